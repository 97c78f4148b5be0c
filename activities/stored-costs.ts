import pLimit from 'p-limit';
import { modelOf } from '../config/models-in-use';
import type { StoredCosts, StoredFrom } from '../contract/batches';
import type { PlanRef } from '../contract/run';
import { addCosts, NO_COST, type Cost } from '../method/cost';
import { extractStage } from '../stages/extract';
import { judgmentOutputs } from '../stages/judge-keys';
import { ownAnswersPlans } from '../stages/own-answers-plan';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import { costByNow } from './account';
import type { ActivityDeps } from './deps';
import { outcomeOf } from './llm-batch';
import { runActivity } from './run-activity';

const PARALLEL_READS = 16;

/** A budget is for all of a synthesis, whoever paid: what is stored counts before anything new is granted. */
export function createStoredCostsActivities(deps: ActivityDeps) {
  return {
    /** What is stored of the shards from these numbers on has cost, finished or not. Runs where the journals are. */
    async storedCosts({ plan: hash, from }: PlanRef & { readonly from: StoredFrom }): Promise<StoredCosts> {
      return await runActivity(deps, async ({ stop }) => {
        const plan = await deps.plans.load(hash);
        const limit = pLimit(PARALLEL_READS);
        const sum = async (parts: readonly (readonly [model: string, output: OutputRef])[]): Promise<Cost> => {
          const costs = await Promise.all(
            parts.map(
              async ([model, output]) =>
                await limit(async () => {
                  stop.throwIfAborted();
                  return await costOf(deps, plan, model, output);
                }),
            ),
          );
          return costs.reduce(addCosts, NO_COST);
        };
        const each = async (
          shards: readonly Shard[],
          parts: (shard: Shard) => readonly (readonly [string, OutputRef])[],
        ): Promise<Record<number, Cost>> => {
          const costs = await Promise.all(shards.map(async (shard) => [shard.index, await sum(parts(shard))] as const));
          return Object.fromEntries(costs.filter(([, { tokens }]) => tokens > 0));
        };
        const own: Record<string, Record<number, Cost>> = {};
        let begun = from.own ?? 0;
        for (const [row, answers] of ownAnswersPlans(plan)) {
          own[row] = await each(answers.shards.slice(begun), (shard) => answerCalls(answers, shard));
          begun = Math.max(0, begun - answers.shards.length);
        }
        return {
          extract: await each(plan.shards.slice(from.extract), (shard) => [[plan.spec.target.model, extractStage.at(plan, shard)]]),
          answer: await each(plan.shards.slice(from.answer), (shard) => answerCalls(plan, shard)),
          ...(from.own === undefined ? {} : { own }),
        };
      });
    },
  };
}

/** The outputs of calls by which a shard is answered and judged, with the models that are called. */
function answerCalls(plan: RunPlan, shard: Shard): (readonly [model: string, output: OutputRef])[] {
  const { respond, judge } = plan.spec.synthesis;
  return respond.generators.flatMap((generator) => [
    [generator, respondStage.at(plan, shard, generator)] as const,
    ...judge.judges.flatMap((name) => judgmentOutputs(plan, shard, name, generator).map((output) => [name, output] as const)),
  ]);
}

async function costOf(deps: ActivityDeps, plan: RunPlan, model: string, output: OutputRef): Promise<Cost> {
  const { stages, journals } = deps;
  const { price } = modelOf(plan.spec, model);
  const finished = await stages.findManifest(output);
  if (finished !== undefined) return outcomeOf(finished, { reused: true, price }).cost;
  const folder = stages.folder(output.address);
  if (!(await journals.hasAny(folder))) return NO_COST;
  return await costByNow(deps, output, price);
}
