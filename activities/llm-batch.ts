import { modelOf } from '../config/models-in-use';
import type { ModelLimits, ModelSpec } from '../config/spec';
import type { BatchLimits, BatchOutcome } from '../contract/batches';
import { addCounts, type BatchProgress } from '../method/cost';
import type { Failure } from '../method/records';
import { costOf, type Price } from '../planning/price';
import { runBatch, type BatchItem } from '../services/batches/batch';
import { BudgetExhaustedError } from '../services/batches/batch-budget';
import type { BatchPlace } from '../services/endpoints/batch-gate';
import type { StageManifest } from '../services/store/stage-store';
import type { StageAddress } from '../stages/address';
import type { RunPlan } from '../stages/run-plan';
import { ROWS_VERSIONS, modelIdentity } from '../stages/stage-keys';
import type { Table } from '../stages/table';
import { openAccount } from './account';
import type { ActivityDeps } from './deps';
import type { ActivityScope } from './run-activity';

export interface LlmBatch<Row> {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly plan: RunPlan;
  readonly given: BatchLimits;
  readonly address: StageAddress;
  /** Name under `models`. */
  readonly model: string;
  readonly table: Table<Row>;
  readonly inputs: readonly StageAddress[];
  /** The items, made from the inputs' rows. */
  readonly items: () => Promise<{ readonly items: readonly BatchItem<Row>[]; readonly lost?: readonly Failure[] }>;
}

/** Items whose reply is being journalled keep no place at the endpoint, so a batch has more items in work than places. */
const LANES_TO_SPARE = 16;

/** A batch activity: what is stored is not computed again, what is journalled is not called again. */
export async function runLlmBatch<Row extends { readonly id: string }>(
  deps: ActivityDeps,
  scope: ActivityScope,
  batch: LlmBatch<Row>,
): Promise<BatchOutcome> {
  const { stage, plan, address, model, given } = batch;
  const known = withLimits(modelOf(plan.spec, model), given.limits);
  const spec = given.baseURL === undefined ? known : { ...known, baseURL: given.baseURL };
  const finished = await deps.stages.find(address, ROWS_VERSIONS[stage]);
  if (finished !== undefined) return outcomeOf(finished, { reused: true, price: spec.price });

  const place = await deps.endpoints.gate(spec).enter({ concurrency: spec.limits.concurrency, signal: scope.stop });
  try {
    return await makeOutput(deps, scope, batch, spec, place);
  } finally {
    place.leave();
  }
}

async function makeOutput<Row extends { readonly id: string }>(
  deps: ActivityDeps,
  { stop, heartbeat }: ActivityScope,
  batch: LlmBatch<Row>,
  spec: ModelSpec,
  place: BatchPlace,
): Promise<BatchOutcome> {
  const { stages, journals, endpoints, log } = deps;
  const { stage, address, model, table, inputs, given } = batch;
  const { price } = spec;
  const rowsVersion = ROWS_VERSIONS[stage];
  const output = stages.folder(address);
  const { items, lost = [] } = await batch.items();
  place.left(items.length);
  const { journal, budget } = await openAccount(deps, address, { price, allowance: given.allowance });
  let progress: (() => BatchProgress) | undefined;
  try {
    const result = await runBatch({
      items,
      client: endpoints.client(model, spec),
      identity: modelIdentity(spec),
      journal,
      budget,
      concurrency: 2 * spec.limits.concurrency + LANES_TO_SPARE,
      stop,
      onItemDone: (left) => place.left(left),
      onProgress: (read) => {
        progress = read;
        heartbeat(() => ({ stage, model, part: address.part, ...read() }));
      },
    }).catch((error: unknown) => {
      if (error instanceof BudgetExhaustedError) return error;
      throw error;
    });
    if (result instanceof BudgetExhaustedError) {
      await journals.leave(output, journal);
      return { ...NOTHING_STORED, cost: budget.cost, errors: progress?.().errors ?? {}, exhausted: { needs: result.needs } };
    }
    const manifest = await stages.commit(address, rowsVersion, table, {
      rows: result.rows,
      failures: [...lost, ...result.failures],
      calls: result.calls,
      stats: result.stats,
      inputs,
    });
    await journals.drop(output, journal);
    return outcomeOf(manifest, { reused: false, price });
  } catch (error) {
    await journals
      .leave(output, journal)
      .catch((problem: unknown) => log.warn({ address, err: problem }, 'the journal stays on this machine only'));
    throw error;
  }
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
    // A judgment without a score has a row, which says why; other losses have none.
    usable: manifest.rows.rows - (manifest.stage === 'judge' ? manifest.failures.rows : 0),
    requests: stats.requests,
    promptTokens: stats.promptTokens,
    completionTokens: stats.completionTokens,
    reused,
    cost: costOf(stats.counted ?? stats, price),
    errors: addCounts(stats.transient, stats.refused ?? {}),
  };
}
