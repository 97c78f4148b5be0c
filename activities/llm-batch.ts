import { ApplicationFailure, type Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { modelOf } from '../config/models-in-use';
import type { ModelLimits, ModelSpec } from '../config/spec';
import type { BatchLimits, BatchOutcome } from '../contract/batches';
import type { FailureType } from '../contract/failures';
import { addCosts, addCounts, type BatchProgress } from '../method/cost';
import type { Failure } from '../method/records';
import { costOf, type Price } from '../planning/price';
import { BudgetExhaustedError } from '../services/batches/allowance-gate';
import { runBatch } from '../services/batches/batch';
import type { BatchItem } from '../services/batches/batch-item';
import { redactFor } from '../services/endpoints/api-key';
import type { BatchPermit } from '../services/endpoints/batch-gate';
import type { Claim } from '../services/journal/claims';
import { OrderLedger } from '../services/provider-batches/order-ledger';
import type { StageManifest } from '../services/store/stage-store';
import type { CallRecord } from '../stages/call-record';
import { judgeStage } from '../stages/judge';
import { modelIdentity } from '../stages/model-identity';
import type { RunPlan } from '../stages/run-plan';
import type { Output, OutputRef } from '../stages/stage';
import { openAccount } from './account';
import type { ActivityDeps } from './deps';
import { advanceOrdered, ordersBatches, whileOut } from './ordered-batch';
import type { ActivityScope } from './run-activity';
import { tellStopped } from './tell-stopped';

/** One stage of one shard with one model. */
export interface LlmBatch<Row extends object> {
  /** Of a stage that calls models. */
  readonly output: Output<Row>;
  readonly plan: RunPlan;
  /** Of the run that it is for. */
  readonly runId: string;
  readonly given: BatchLimits;
  /** Name under `models`. */
  readonly model: string;
  readonly inputs: readonly OutputRef[];
  /** Other outputs, of which the same requests may have been made; their calls are taken from there. */
  readonly callsFrom?: readonly OutputRef[];
  /** The items, made from the inputs' rows. */
  readonly items: () => Promise<{ readonly items: readonly BatchItem<Row>[]; readonly lost?: readonly Failure[] }>;
}

/** A batch as it follows from a plan, without what a run sets on it. */
export type PlannedBatch<Row extends object> = Omit<LlmBatch<Row>, 'given' | 'runId'>;

/** Items whose reply is being journalled keep no permit at the endpoint, so a batch works on more items than there are permits. */
const LANES_TO_SPARE = 16;

/** What is ordered from a provider's batch API keeps no place at its endpoint. */
const NO_PERMIT: BatchPermit = { left: () => undefined, release: () => undefined };

/** A batch activity: what is stored is not computed again, what is journalled is not called again. */
export async function runLlmBatch<Row extends { readonly id: string }>(
  deps: ActivityDeps,
  scope: ActivityScope,
  batch: LlmBatch<Row>,
): Promise<BatchOutcome> {
  const { output, plan, model, given } = batch;
  const known = withLimits(modelOf(plan.spec, model), given.limits);
  const spec = given.baseURL === undefined ? known : { ...known, baseURL: given.baseURL };
  const finished = await deps.stages.find(output);
  if (finished !== undefined) return outcomeOf(finished.manifest, { reused: true, price: spec.price });

  const isOrdered = await ordersBatches(deps, output, spec);
  if (isOrdered) await whileOut(deps, scope, batch, spec);
  const permit = isOrdered
    ? NO_PERMIT
    : await deps.endpoints.gate(spec).enter({ concurrency: spec.limits.concurrency, signal: scope.stop });
  try {
    return await ownedOutput(deps, scope, batch, { spec, permit, isOrdered });
  } finally {
    permit.release();
  }
}

/** How the calls of a batch are made. */
interface Manner {
  /** With the run's own limits and address. */
  readonly spec: ModelSpec;
  readonly permit: BatchPermit;
  /** From a provider's batch API. */
  readonly isOrdered: boolean;
}

/** Of all runs and workers that want an output at once, one makes it. The others hold no slot: they fail, and are tried again soon. */
async function ownedOutput<Row extends { readonly id: string }>(
  deps: ActivityDeps,
  scope: ActivityScope,
  batch: LlmBatch<Row>,
  manner: Manner,
): Promise<BatchOutcome> {
  const { output } = batch;
  const { price } = manner.spec;
  const claim = await deps.claims.take(output.address, holderOf(scope.context));
  if (claim === undefined) throw ownedElsewhere(deps.stages.folder(output.address));
  let isMade = false;
  try {
    const finished = await deps.stages.find(output); // while it was waited for
    const outcome =
      finished === undefined
        ? await makeOutput(deps, scope, batch, { ...manner, claim })
        : outcomeOf(finished.manifest, { reused: true, price });
    isMade = outcome.exhausted === undefined;
    return outcome;
  } finally {
    await (isMade ? claim.drop() : claim.release()).catch((problem: unknown) =>
      deps.log.warn({ ...output.address, err: problem }, 'a claim was not given back; it lapses by itself'),
    );
  }
}

/** The work that an output is claimed for: an activity with all its attempts, or a process. */
function holderOf(context: Context | undefined): string {
  if (context === undefined) return `process ${process.pid} since ${performance.timeOrigin}`;
  const { workflowExecution, activityId } = context.info;
  return `${workflowExecution?.workflowId}/${workflowExecution?.runId}/${activityId}`;
}

const LOOK_AGAIN = '2s';

function ownedElsewhere(folder: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'OwnedElsewhereError' satisfies FailureType,
    message: `another run or worker makes ${folder}; this one takes what comes of it, or goes on where that one ends`,
    nextRetryDelay: LOOK_AGAIN,
    category: ApplicationFailureCategory.BENIGN,
  });
}

async function makeOutput<Row extends { readonly id: string }>(
  deps: ActivityDeps,
  scope: ActivityScope,
  batch: LlmBatch<Row>,
  { spec, permit, isOrdered, claim }: Manner & { readonly claim: Claim },
): Promise<BatchOutcome> {
  const { stages, journals, endpoints, watches, env, log, metrics } = deps;
  const { stop, heartbeat, context } = scope;
  const { output, model, inputs, given, runId } = batch;
  const { stage, address } = output;
  const { price } = spec;
  const folder = stages.folder(address);
  const watch = watches.of(runId, stage.name, model);
  if (given.anyway !== true) watch.check();
  const { items, lost = [] } = await batch.items();
  permit.left(items.length);
  const { journal, budget } = await openAccount(deps, output, {
    model: spec.model,
    price,
    allowance: given.allowance,
    calls: await callsOf(deps, batch, items),
  });
  const closed = metrics.batchOpened({ stage: stage.name, model: spec.model, allowance: given.allowance, cost: () => budget.cost });
  let progress: (() => BatchProgress) | undefined;
  const cancelled = context?.cancellationSignal;
  const onCancelled = (): void => void (context === undefined ? undefined : tellStopped(context, given.batch, budget, log));
  cancelled?.addEventListener('abort', onCancelled, { once: true });
  try {
    const client = endpoints.client(model, spec);
    const redact = redactFor(spec, env);
    const watched = { endpoint: client.endpoint, model, stage: stage.name, redact };
    const { faults, isComplete } = isOrdered
      ? await advanceOrdered(deps, scope, batch, { spec, items, journal, budget, claim, redact })
      : { faults: {}, isComplete: false };
    const result = await runBatch({
      items,
      faults,
      isComplete,
      client,
      identity: modelIdentity(spec),
      journal,
      budget,
      concurrency: 2 * spec.limits.concurrency + LANES_TO_SPARE,
      stop,
      beforeCall: async () => await claim.hold(),
      ...(given.anyway === true ? {} : { admit: async (signal: AbortSignal) => await watch.admit(signal) }),
      onItemDone: (left, item) => {
        permit.left(left);
        if (given.anyway !== true) watch.add(item, watched);
      },
      onProgress: (read) => {
        progress = read;
        heartbeat(() => ({
          stage: stage.name,
          model,
          part: address.part,
          ...(given.batch === undefined ? {} : { batch: given.batch }),
          ...read(),
        }));
      },
    });
    const { manifest } = await stages.commit(output, {
      rows: result.rows,
      failures: [...lost, ...result.failures],
      calls: result.calls,
      stats: result.stats,
      inputs,
    });
    await journals.drop(folder, journal);
    if (isOrdered) await new OrderLedger(deps.store, folder).drop();
    return outcomeOf(manifest, { reused: false, price });
  } catch (error) {
    await journals.leave(folder, journal).catch((problem: unknown) => {
      if (error instanceof BudgetExhaustedError) throw problem;
      log.warn({ address, err: problem }, 'the journal stays on this machine only');
    });
    if (!(error instanceof BudgetExhaustedError)) throw error;
    const { needs, wants } = error;
    return {
      ...NOTHING_STORED,
      cost: addCosts(budget.cost, budget.inFlightCost), // what is ordered from a provider may still be billed
      errors: progress?.().errors ?? {},
      exhausted: { needs, ...(wants === undefined ? {} : { wants }) },
    };
  } finally {
    closed();
    cancelled?.removeEventListener('abort', onCancelled);
  }
}

/** Calls for these items that are stored with other outputs. */
async function callsOf<Row extends object>(
  { stages }: ActivityDeps,
  { output, callsFrom = [] }: Pick<LlmBatch<Row>, 'output' | 'callsFrom'>,
  items: readonly BatchItem<Row>[],
): Promise<CallRecord[]> {
  const others = callsFrom.filter(({ address }) => address.key !== output.address.key);
  const stored = (await Promise.all(others.map(async ({ address }) => await stages.storedCalls(address)))).flatMap(({ calls }) => calls);
  if (stored.length === 0) return []; // an item writes its request to tell whether it makes a call: not for nothing
  const wanted = new Set(items.flatMap((item) => (item.next([]).do === 'call' ? [item.id] : [])));
  return stored.filter(({ item }) => wanted.has(item));
}

const NOTHING_STORED = { usable: 0, requests: 0, promptTokens: 0, completionTokens: 0, reused: false } as const;

/** The model with a run's own limits instead of those of its spec. */
function withLimits(spec: ModelSpec, { concurrency, requestsPerMinute, tokensPerMinute }: ModelLimits = {}): ModelSpec {
  const { limits } = spec;
  return {
    ...spec,
    limits: {
      ...limits,
      concurrency: concurrency ?? limits.concurrency,
      // Null lifts a limit; what is left out stays.
      requestsPerMinute: requestsPerMinute === null ? undefined : (requestsPerMinute ?? limits.requestsPerMinute),
      tokensPerMinute: tokensPerMinute === null ? undefined : (tokensPerMinute ?? limits.tokensPerMinute),
    },
  };
}

/** Counts of a stored output, and what it cost at the price of its model. */
export function outcomeOf(manifest: StageManifest, { reused, price }: { readonly reused: boolean; readonly price?: Price }): BatchOutcome {
  const { stats } = manifest;
  return {
    // A judgment without a score has a row, which says why; other failures have none.
    usable: manifest.rows.rows - (manifest.stage === judgeStage.name ? manifest.failures.rows : 0),
    requests: stats.requests,
    promptTokens: stats.promptTokens,
    completionTokens: stats.completionTokens,
    reused,
    cost: costOf(stats.counted ?? stats, price),
    errors: addCounts(stats.transient, stats.refused ?? {}),
  };
}
