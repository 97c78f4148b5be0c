import { selectionRules } from '../config/selection-rules';
import type { BatchOutcome } from '../contract/batches';
import type { PlanRef } from '../contract/run';
import { byInstruction } from '../method/by-instruction';
import type { Failure, ReplayRow } from '../method/records';
import { isCut, selectBest } from '../method/selection';
import { noCalls } from '../services/store/stage-store';
import { addresses } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { judgmentTable, replayTable, responseTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { outcomeOf } from './llm-batch';
import { instructionInputs, readInstructions } from './read-instructions';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Kept with a shard's selection. */
export interface SelectionDetail {
  /** Instructions whose best mean was shared by several responses. */
  readonly ties: number;
  /** Kept instructions whose winner was cut at a token limit. */
  readonly cut: number;
}

/** Best mean score wins: the replay set's part of a shard. */
export function createSelectActivities(deps: ActivityDeps) {
  const { stages } = deps;
  return {
    async selectShard(input: PlanRef & { readonly shard: number }): Promise<BatchOutcome> {
      return await runActivity(deps, async () => {
        const plan = await deps.plans.load(input.plan);
        const { respond, judge, select } = plan.spec.synthesis;
        const shard = shardOf(plan, input.shard);
        const address = addresses.select(plan, shard);
        const finished = await stages.find(address, ROWS_VERSIONS.select);
        if (finished !== undefined) return outcomeOf(finished, { reused: true });

        const startedAt = new Date().toISOString();
        const from = {
          instructions: instructionInputs(plan, shard),
          respond: respond.generators.map((generator) => addresses.respond(plan, shard, generator)),
          judge: judge.judges.flatMap((name) => respond.generators.map((generator) => addresses.judge(plan, shard, name, generator))),
        };
        const instructions = await readInstructions(stages, plan, shard);
        const responses = byInstruction(
          (await Promise.all(from.respond.map((each) => readStage(stages, each, ROWS_VERSIONS.respond, responseTable)))).flat(),
        );
        const judgments = byInstruction(
          (await Promise.all(from.judge.map((each) => readStage(stages, each, ROWS_VERSIONS.judge, judgmentTable)))).flat(),
        );
        const rows: ReplayRow[] = [];
        const failures: Failure[] = [];
        let ties = 0;
        for (const instruction of instructions) {
          const result = selectBest({
            instruction,
            responses: responses.get(instruction.id) ?? [],
            judgments: judgments.get(instruction.id) ?? [],
            judges: judge.judges,
            expectedResponses: respond.generators.length * respond.samples,
            ...selectionRules(select, judge.judges.length),
            seed: plan.spec.seed,
          });
          if ('replay' in result) {
            rows.push(result.replay);
            if (result.tied) ties++;
          } else {
            failures.push(result.lost);
          }
        }
        const manifest = await stages.commit(address, ROWS_VERSIONS.select, replayTable, {
          rows,
          failures,
          stats: noCalls(startedAt),
          detail: { ties, cut: rows.filter(isCut).length } satisfies SelectionDetail,
          inputs: [...from.instructions, ...from.respond, ...from.judge],
        });
        return outcomeOf(manifest, { reused: false });
      });
    },
  };
}
