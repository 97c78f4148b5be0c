import { type EarlyJudging, earlyJudging, laterJudges } from '../config/early-judging';
import { selectionRules } from '../config/selection-rules';
import { byInstruction } from '../method/by-instruction';
import { bestProspects, cannotWin, isAudited, judgedAfterAll, PROSPECTS_SHOWN } from '../method/early-judging';
import type { Judgment, Response } from '../method/records';
import { isSkipped } from '../method/skipped';
import type { StageStore } from '../services/store/stage-store';
import { judgeStage, type JudgeRound } from '../stages/judge';
import { roundOutputs } from '../stages/judge-keys';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { Output, OutputRef } from '../stages/stage';

/** Which of a generator's responses a judge is shown. */
export interface ToJudge {
  readonly responses: readonly Response[];
  /** Ids of those that can no longer win. */
  readonly skip?: ReadonlySet<string>;
}

export interface WhatToJudge {
  /** What that depends on, beside the generator's own responses. */
  readonly inputs: readonly OutputRef[];
  /** @param responses of the generator @throws InputLostError, CorruptArtifactError */
  readonly read: (responses: readonly Response[]) => Promise<ToJudge>;
}

/** One judge on one generator's responses; or a round of that. */
export interface JudgedPair {
  readonly judge: string;
  readonly generator: string;
  readonly round?: JudgeRound;
}

/** All of a generator's responses; or, where those are left out that cannot win, what the judges before leave to decide. */
export function whatToJudge(stages: StageStore, plan: RunPlan, shard: Shard, pair: JudgedPair): WhatToJudge {
  const early = earlyJudging(plan.spec);
  if (early === undefined || !laterJudges(early).includes(pair.judge)) {
    return { inputs: [], read: async (responses) => await Promise.resolve({ responses }) };
  }
  const { judge, generator, round } = pair;
  const { respond, select } = plan.spec.synthesis;
  const others = respond.generators.filter((name) => name !== generator).map((name) => respondStage.at(plan, shard, name));
  const before = judgedBefore(plan, shard, early, pair);
  const read = async (own: readonly Response[]): Promise<ToJudge> => {
    const responses = byInstruction([...own, ...(await rowsOf(stages, others))]);
    const rows = await rowsOf(stages, before);
    const judgments = byInstruction(rows);
    const rules = { judges: early.order, ...selectionRules(select, early.order.length) };
    const chosen = new Set<string>();
    for (const [instructionId, given] of responses) {
      const input = { ...rules, responses: given, judgments: judgments.get(instructionId) ?? [] };
      const audited = isAudited(instructionId, { seed: plan.spec.seed, share: early.auditShare });
      for (const id of chosenOf(input, { judge, round, audited })) chosen.add(id);
    }
    const rowsOfJudge = rows.filter((row) => row.judge === judge);
    if (round === 'afterAll') {
      const skipped = new Set(rowsOfJudge.filter(isSkipped).map(({ responseId }) => responseId));
      return { responses: own.filter(({ id }) => chosen.has(id) && skipped.has(id)) };
    }
    if (round !== undefined) return { responses: own.filter(({ id }) => chosen.has(id)) };
    const done = new Set(rowsOfJudge.map(({ responseId }) => responseId));
    return { responses: own.filter(({ id }) => !done.has(id)), skip: chosen };
  };
  return { inputs: [...others, ...before], read };
}

/** What is stored of judgments when a judge is asked: those before it, and its own of earlier rounds, or of earlier generators. */
function judgedBefore(plan: RunPlan, shard: Shard, early: EarlyJudging, { judge, generator, round }: JudgedPair): Output<Judgment>[] {
  const { generators } = plan.spec.synthesis.respond;
  const of = (judges: readonly string[]): Output<Judgment>[] =>
    judges.flatMap((name) => generators.flatMap((each) => roundOutputs(plan, shard, name, each)));
  if (round === 'afterAll') return of(early.order);
  const before = of(early.order.slice(0, early.order.indexOf(judge)));
  if (early.inRounds === undefined) {
    const earlier = generators.slice(0, generators.indexOf(generator));
    return [...before, ...earlier.map((each) => judgeStage.at(plan, shard, judge, each))];
  }
  const rounds = Array.from({ length: round ?? PROSPECTS_SHOWN.length }, (_, earlier) => earlier);
  return [...before, ...rounds.flatMap((earlier) => generators.map((each) => judgeStage.at(plan, shard, judge, each, earlier)))];
}

type Input = Parameters<typeof cannotWin>[0];

/** Of one instruction's responses: those that a round shows; without a round, those that are skipped. An audited one is shown whole, at once. */
function chosenOf(
  input: Input,
  { judge, round, audited }: { readonly judge: string; readonly round: JudgeRound | undefined; readonly audited: boolean },
): Iterable<string> {
  if (typeof round === 'number') {
    if (audited) return round === 0 ? input.responses.map(({ id }) => id) : [];
    return bestProspects(input, { judge, count: PROSPECTS_SHOWN[round] ?? 0 });
  }
  if (audited) return [];
  return round === undefined ? cannotWin(input) : judgedAfterAll(input);
}

async function rowsOf<Row extends object>(stages: StageStore, outputs: readonly Output<Row>[]): Promise<Row[]> {
  return (await Promise.all(outputs.map(async (output) => await stages.inputRows(output)))).flat();
}
