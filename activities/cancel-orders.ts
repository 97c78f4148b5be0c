import { isBatched } from '../config/batch-apis';
import { modelOf } from '../config/models-in-use';
import type { PlanRef } from '../contract/run';
import { EndpointUnavailableError } from '../services/endpoints/endpoint-errors';
import { cancelBatch } from '../services/provider-batches/api';
import { createBatchApi } from '../services/provider-batches/create-batch-api';
import { openOrders, OrderLedger } from '../services/provider-batches/order-ledger';
import { settledOrder, settleMs } from '../services/provider-batches/place-order';
import { judgmentOutputs } from '../stages/judge-keys';
import { planOf } from '../stages/own-answers-plan';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** What a cancelled run has ordered from batch APIs is cancelled there: what is done by then is billed, and found by the next run. */
export function createCancelOrdersActivities(deps: ActivityDeps) {
  return {
    async cancelOrders(input: PlanRef & { readonly shard: number }): Promise<{ readonly cancelled: number }> {
      return await runActivity(deps, async ({ stop }) => {
        const plan = planOf(await deps.plans.load(input.plan), input.own);
        let cancelled = 0;
        for (const [name, { address }] of orderedOutputs(plan, shardOf(plan, input.shard))) {
          const ledger = new OrderLedger(deps.store, deps.stages.folder(address));
          const open = openOrders(await ledger.all()).filter(({ runId, cancelled: isCancelled }) => runId === input.runId && !isCancelled);
          if (open.length === 0) continue;
          const spec = modelOf(plan.spec, name);
          const api = createBatchApi({ name, spec, env: deps.env, signal: stop });
          for (const order of open) {
            const found = order.batch === undefined ? await settledOrder(order, { api, ledger, settleMs: settleMs(spec) }) : order;
            if (found.batch === undefined && found.end === undefined) {
              throw new EndpointUnavailableError(
                `it is not known yet whether ${api.endpoint} has taken the last batch; its list is looked at again`,
              );
            }
            const state = found.batch === undefined ? undefined : await api.batch(found.batch);
            if (state?.state !== 'running') continue;
            await cancelBatch(api, state.id);
            await ledger.cancelled(found);
            deps.log.info({ batch: state.id, model: name }, 'a batch is cancelled at the provider');
            cancelled++;
          }
        }
        return { cancelled };
      });
    },
  };
}

/** What batches may have been ordered for. */
function orderedOutputs(plan: RunPlan, shard: Shard): (readonly [model: string, output: OutputRef])[] {
  const { respond, judge } = plan.spec.synthesis;
  return respond.generators
    .flatMap((generator) => [
      [generator, respondStage.at(plan, shard, generator)] as const,
      ...judge.judges.flatMap((name) => judgmentOutputs(plan, shard, name, generator).map((output) => [name, output] as const)),
    ])
    .filter(([name]) => isBatched(modelOf(plan.spec, name)));
}
