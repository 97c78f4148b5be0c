import { earlyJudging } from '../config/early-judging';
import { selectionRules } from '../config/selection-rules';
import { byInstruction } from '../method/by-instruction';
import { cannotWin, isAudited, judgedAfterAll } from '../method/early-judging';
import type { Judgment, Response } from '../method/records';
import { isSkipped } from '../method/skipped';
import type { StageStore } from '../services/store/stage-store';
import { judgeStage } from '../stages/judge';
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

/** All of a generator's responses; or, where those are left out that cannot win, what the judges before leave to decide. */
export function whatToJudge(
  stages: StageStore,
  plan: RunPlan,
  shard: Shard,
  { judge, generator, round }: { readonly judge: string; readonly generator: string; readonly round?: 'afterAll' },
): WhatToJudge {
  const early = earlyJudging(plan.spec);
  if (early === undefined || judge === early.order[0]) {
    return { inputs: [], read: async (responses) => await Promise.resolve({ responses }) };
  }
  const { generators } = plan.spec.synthesis.respond;
  const others = generators.filter((name) => name !== generator).map((name) => respondStage.at(plan, shard, name));
  const judges = round === undefined ? early.order.slice(0, early.order.indexOf(judge)) : early.order;
  const earlier = round === undefined ? generators.slice(0, generators.indexOf(generator)) : [];
  const before = [
    ...judges.flatMap((name) => generators.map((each) => judgeStage.at(plan, shard, name, each))),
    ...earlier.map((each) => judgeStage.at(plan, shard, judge, each)),
  ];
  const read = async (own: readonly Response[]): Promise<ToJudge> => {
    const responses = byInstruction([...own, ...(await rowsOf(stages, others))]);
    const judgments = byInstruction(await rowsOf(stages, before));
    const rules = { judges: early.order, ...selectionRules(plan.spec.synthesis.select, early.order.length) };
    const chosen = new Set<string>();
    for (const [instructionId, given] of responses) {
      if (isAudited(instructionId, { seed: plan.spec.seed, share: early.auditShare })) continue; // judged in full
      const input = { ...rules, responses: given, judgments: judgments.get(instructionId) ?? [] };
      for (const id of round === undefined ? cannotWin(input) : judgedAfterAll(input)) chosen.add(id);
    }
    if (round === undefined) return { responses: own, skip: chosen };
    const skipped = new Set([...judgments.values()].flat().flatMap((row) => (isOf(row, judge) ? [row.responseId] : [])));
    return { responses: own.filter(({ id }) => chosen.has(id) && skipped.has(id)) };
  };
  return { inputs: [...others, ...before], read };
}

function isOf(row: Judgment, judge: string): boolean {
  return row.judge === judge && isSkipped(row);
}

async function rowsOf<Row extends object>(stages: StageStore, outputs: readonly Output<Row>[]): Promise<Row[]> {
  return (await Promise.all(outputs.map(async (output) => await stages.inputRows(output)))).flat();
}
