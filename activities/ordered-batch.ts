import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { isBatched } from '../config/batch-apis';
import type { ModelSpec } from '../config/spec';
import type { BatchLimits } from '../contract/batches';
import type { FailureType } from '../contract/failures';
import type { HeartbeatDetails } from '../contract/progress';
import { canonicalJson } from '../method/canonical-json';
import { addCounts, NO_CALLS } from '../method/cost';
import type { BatchBudget } from '../services/batches/batch-budget';
import type { BatchItem } from '../services/batches/batch-item';
import { advanceOrders } from '../services/batches/ordered-batch';
import { EndpointUnavailableError } from '../services/endpoints/endpoint-errors';
import type { Redact } from '../services/endpoints/secrets';
import type { Claim } from '../services/journal/claims';
import type { Journal } from '../services/journal/journal';
import type { ProviderBatch } from '../services/provider-batches/api';
import { createBatchApi } from '../services/provider-batches/create-batch-api';
import { openOrders, type Order, OrderLedger } from '../services/provider-batches/order-ledger';
import { pollMs } from '../services/provider-batches/place-order';
import type { StageAddress } from '../stages/address';
import { judgeStage } from '../stages/judge';
import { modelIdentity } from '../stages/model-identity';
import { respondStage } from '../stages/respond';
import type { ActivityDeps } from './deps';
import type { ActivityScope } from './run-activity';
import { tellOrdered } from './tell-stopped';

/** Batches are out: the attempt has failed in order to be made again, as Temporal advises for polls. No worker waits meanwhile, and a history gets no event. */
class StillOrderedError extends Error {
  override readonly name = 'StillOrderedError' satisfies FailureType;
}

/** Stages whose calls may be ordered: those of chat requests that a shard makes, which cancels what is out when it is cancelled. */
const ORDERED: readonly string[] = [respondStage.name, judgeStage.name];

/** Whether an output's calls are ordered from a batch API; or were, while the model was one of those, and something is still out. */
export async function ordersBatches(
  { store, stages }: ActivityDeps,
  { stage, address }: AnyBatch['output'],
  spec: ModelSpec,
): Promise<boolean> {
  if (!ORDERED.includes(stage.name)) return false;
  return isBatched(spec) || openOrders(await new OrderLedger(store, stages.folder(address)).all()).length > 0;
}

interface AnyBatch {
  readonly output: { readonly stage: { readonly name: string }; readonly address: StageAddress };
  readonly given: BatchLimits;
  /** Name under `models`. */
  readonly model: string;
  readonly runId: string;
}

/** Where all batches of an output are out and go on, and nothing else has changed, a look at them is all: nothing is claimed, no row is read. */
export async function whileOut(deps: ActivityDeps, scope: ActivityScope, batch: AnyBatch, spec: ModelSpec): Promise<void> {
  const { output, given, model } = batch;
  const open = openOrders(await new OrderLedger(deps.store, deps.stages.folder(output.address)).all());
  const isSame = ({ batch: id, allowance }: Order): boolean =>
    id !== undefined && canonicalJson(allowance ?? null) === canonicalJson(given.allowance ?? null);
  if (open.length === 0 || given.withdrawn === true || !isBatched(spec) || !open.every(isSame)) return;
  await asking(async () => {
    const api = createBatchApi({ name: model, spec, env: deps.env, signal: scope.stop });
    const out: ProviderBatch[] = [];
    for (const order of open) {
      const now = await api.batch(order.batch ?? '');
      if (now?.state !== 'running') return;
      out.push(now);
    }
    const before = scope.context?.info.heartbeatDetails as HeartbeatDetails | undefined; // of the attempt before: the counts are as they were
    const ordered = open.flatMap(({ calls }) => calls).length;
    scope.heartbeat({ ...(before ?? beat(batch, { done: 0, total: ordered })), note: noteOf(out, open.length) });
    throw stillOrdered(batch, noteOf(out, open.length), spec);
  });
}

/**
 * Orders what the items want, and journals what has come back. Returns once every call is in the journal.
 * @throws ApplicationFailure while batches are out, to be looked at again after `batch.pollSeconds`; BudgetExhaustedError, …
 */
export async function advanceOrdered<Row>(
  deps: ActivityDeps,
  { stop, heartbeat, context }: ActivityScope,
  batch: AnyBatch,
  {
    spec,
    items,
    journal,
    budget,
    claim,
    redact,
  }: {
    readonly spec: ModelSpec;
    readonly items: readonly BatchItem<Row>[];
    readonly journal: Journal;
    readonly budget: BatchBudget;
    readonly claim: Claim;
    readonly redact: Redact;
  },
): Promise<{ readonly faults: Readonly<Record<string, number>>; readonly isComplete: boolean }> {
  const { output, given, model, runId } = batch;
  return await asking(async () => {
    const state = await advanceOrders({
      items,
      api: createBatchApi({ name: model, spec, env: deps.env, signal: stop }),
      ledger: new OrderLedger(deps.store, deps.stages.folder(output.address)),
      journal,
      budget,
      spec,
      identity: modelIdentity(spec),
      known: deps.endpoints.mendsOf(spec),
      redact,
      enqueued: deps.enqueued,
      runId,
      allowance: given.allowance,
      withdrawn: given.withdrawn === true,
      stop,
      beforeSend: async () => {
        stop.throwIfAborted();
        await claim.hold();
        journal.checkWritable();
      },
    });
    if (state.hasChanged && context !== undefined) await tellOrdered(context, given.batch, budget, deps.log);
    if (state.isDone) return { faults: faultsOf(state.orders), isComplete: isBatched(spec) };
    heartbeat(
      beat(batch, {
        done: items.length - state.itemsLeft,
        total: items.length,
        cost: budget.cost,
        requests: [...journal.all()].length,
        errors: faultsOf(state.orders),
        promptTokens: budget.counted.promptTokens,
        completionTokens: budget.counted.completionTokens,
        note: noteOf(state.out, openOrders(state.orders).length),
      }),
    );
    throw stillOrdered(batch, noteOf(state.out, openOrders(state.orders).length), spec);
  });
}

const LONGEST_WAIT_MS = 60_000;

/** Runs a body; what is to be asked again is asked when the provider says. */
async function asking<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof EndpointUnavailableError) || error.waitMs === undefined) throw error;
    throw ApplicationFailure.create({
      type: error.name,
      message: error.message,
      cause: error,
      nextRetryDelay: Math.min(error.waitMs, LONGEST_WAIT_MS),
    });
  }
}

function faultsOf(orders: readonly Order[]): Record<string, number> {
  return orders.flatMap(({ end }) => Object.values(end?.faults ?? {})).reduce((sum, kind) => addCounts(sum, { [kind]: 1 }), {});
}

function beat(
  { output, model, given }: AnyBatch,
  progress: Pick<HeartbeatDetails, 'done' | 'total'> & Partial<HeartbeatDetails>,
): HeartbeatDetails {
  const { stage, address } = output;
  return {
    ...NO_CALLS,
    stage: stage.name,
    model,
    part: address.part,
    ...(given.batch === undefined ? {} : { batch: given.batch }),
    ...progress,
  };
}

/** @param open batches that are out; of those that were ordered just now the provider has told nothing yet */
function noteOf(out: readonly ProviderBatch[], open: number): string {
  if (open === 0) return 'waits to order a batch';
  const [done, requests] = [out.reduce((sum, batch) => sum + batch.done, 0), out.reduce((sum, batch) => sum + batch.requests, 0)];
  return `${open === 1 ? 'a batch is' : `${open} batches are`} out${requests === 0 ? '' : `: ${done} of ${requests} requests done`}`;
}

function stillOrdered({ output }: AnyBatch, note: string, spec: ModelSpec): ApplicationFailure {
  const error = new StillOrderedError(`${output.stage.name} ${output.address.part}: ${note}`);
  return ApplicationFailure.create({
    type: error.name,
    message: error.message,
    nextRetryDelay: pollMs(spec),
    category: ApplicationFailureCategory.BENIGN,
  });
}
