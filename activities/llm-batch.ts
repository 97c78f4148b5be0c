import type { Failure } from '../method/records';
import type { StageOutcome } from '../workflows/types';
import { runBatch, type BatchItem } from '../services/batch';
import { Journal } from '../services/journal';
import { ROWS_VERSIONS, modelIdentity, modelOf } from '../services/stage-keys';
import type { RunPlan } from '../services/run-plan';
import type { StageAddress, StageManifest } from '../services/stage-store';
import type { Table } from '../services/tables';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

export interface LlmBatch<Row> {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly plan: RunPlan;
  readonly address: StageAddress;
  /** Name under `models`. */
  readonly model: string;
  readonly table: Table<Row>;
  readonly inputs: readonly StageAddress[];
  /** The items, made from the inputs' rows. */
  readonly items: () => Promise<{ readonly items: readonly BatchItem<Row>[]; readonly lost?: readonly Failure[] }>;
}

/** A batch activity: what is stored is not computed again, what is journalled is not called again. */
export async function runLlmBatch<Row extends { readonly id: string }>(deps: ActivityDeps, batch: LlmBatch<Row>): Promise<StageOutcome> {
  const { stages, endpoints, log } = deps;
  const { stage, plan, address, model, table, inputs } = batch;
  const rowsVersion = ROWS_VERSIONS[stage];
  const finished = await stages.find(address, rowsVersion);
  if (finished !== undefined) return outcomeOf(finished, true);

  return await runActivity(deps.draining, async ({ stop, heartbeat }) => {
    const { items, lost = [] } = await batch.items();
    const spec = modelOf(plan.spec, model);
    const journal = await Journal.open(stages.journalFolder(address));
    try {
      if (journal.damagedLines > 0) log.warn({ address, lines: journal.damagedLines }, 'damaged journal lines are left out; their calls are made again');
      const earlier = await stages.latest(address);
      if (earlier !== undefined) journal.preload(await stages.readCalls(earlier));
      const result = await runBatch({
        items,
        client: endpoints.client(model, spec),
        identity: modelIdentity(spec),
        journal,
        concurrency: spec.limits.concurrency,
        stop,
        onProgress: (progress) => heartbeat({ stage, model, part: address.part, ...progress }),
      });
      const manifest = await stages.commit(address, rowsVersion, table, {
        rows: result.rows,
        failures: [...lost, ...result.failures],
        calls: result.calls,
        stats: result.stats,
        inputs,
      });
      await journal.drop();
      return outcomeOf(manifest, false);
    } catch (error) {
      await journal.close().catch(() => undefined); // the first error is the one to tell
      throw error;
    }
  });
}

/** Counts of a stored output. */
export function outcomeOf(manifest: StageManifest, reused: boolean): StageOutcome {
  return {
    // A judgment without a score has a row, which says why; other losses have none.
    usable: manifest.rows.rows - (manifest.stage === 'judge' ? manifest.failures.rows : 0),
    requests: manifest.stats.requests,
    promptTokens: manifest.stats.promptTokens,
    completionTokens: manifest.stats.completionTokens,
    reused,
  };
}
