import type { Allowance, Cost } from '../method/cost';
import type { Usage } from '../method/records';
import { costOf, type Price } from '../planning/price';
import { BatchBudget, countedSoFar } from '../services/batches/batch-budget';
import { addUsage, countedOf, sumOfUsage } from '../services/batches/billing';
import type { Journal } from '../services/journal/journal';
import { openOrders, OrderLedger } from '../services/provider-batches/order-ledger';
import type { StageManifest } from '../services/store/stage-store';
import type { CallRecord } from '../stages/call-record';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';

/** The calls that were made for an output in the making, and what they have cost. */
export interface Account {
  /** Whoever opens an account closes its journal. */
  readonly journal: Journal;
  readonly budget: BatchBudget;
}

/** What was paid for an output in the making by now, whoever works on it; what is ordered from a provider is, at its worst case. */
export async function costByNow(
  { store, stages, journals }: ActivityDeps,
  { address }: OutputRef,
  price: Price | undefined,
): Promise<Cost> {
  const journal = await journals.look(stages.folder(address));
  const earlier = await stages.storedCalls(address);
  for (const call of earlier.calls) journal.keep(call);
  const out = openOrders(await new OrderLedger(store, stages.folder(address)).all()).flatMap(({ calls }) => calls);
  const ordered = sumOfUsage(
    out.filter(({ item, call, request }) => journal.find(item, call, request) === undefined).map(({ bound }) => bound),
  );
  return costOf(addUsage(countedSoFar(journal, unsettledBefore(await stages.latestManifest(address), earlier.calls)), ordered), price);
}

/**
 * Opens an output's account: its journal, and the calls that are stored with earlier versions of it.
 * @param calls stored elsewhere
 * @param model for the metrics of what is spent; needed where calls are made
 */
export async function openAccount(
  { stages, journals, log, metrics }: ActivityDeps,
  { address }: OutputRef,
  {
    model = '',
    price,
    allowance,
    calls = [],
  }: { readonly model?: string; readonly price?: Price; readonly allowance?: Allowance; readonly calls?: readonly CallRecord[] },
): Promise<Account> {
  const folder = stages.folder(address);
  const journal = await journals.open(folder);
  try {
    if (journal.damagedLines > 0) {
      metrics.storeFault('journal_line', journal.damagedLines);
      log.warn({ address, lines: journal.damagedLines }, 'damaged journal lines are left out; their calls are made again');
    }
    const earlier = await stages.storedCalls(address);
    if (earlier.damaged.length > 0) {
      metrics.storeFault('calls_file', earlier.damaged.length);
      log.warn({ address, files: earlier.damaged }, 'damaged files of calls are left out; their calls are made again');
    }
    journal.preload(earlier.calls);
    journal.preload(calls);
    const budget = new BatchBudget({
      journal,
      allowance,
      price,
      unsettledBefore: unsettledBefore(await stages.latestManifest(address), earlier.calls),
      onCharge: (usage) => metrics.spent(model, usage, costOf(usage, price).usd),
      onOverrun: (overrun) =>
        log.warn({ address, ...overrun }, 'the endpoint reports more tokens than the request can hold; they count as reported'),
    });
    return { journal, budget };
  } catch (error) {
    await journals
      .leave(folder, journal)
      .catch((problem: unknown) => log.warn({ address, err: problem }, 'the journal stays on this machine only'));
    throw error;
  }
}

/** What counted for an output that is made again from its calls, beyond those calls: requests whose end was not known. */
function unsettledBefore(earlier: StageManifest | undefined, calls: readonly CallRecord[]): Usage | undefined {
  const counted = earlier?.stats.counted;
  if (counted === undefined) return undefined;
  // Several versions of an output hold the same calls.
  const known = sumOfUsage(
    new Map(calls.map((record) => [`${record.item}\n${record.call}\n${record.request}`, countedOf(record)])).values(),
  );
  return {
    promptTokens: Math.max(0, counted.promptTokens - known.promptTokens),
    completionTokens: Math.max(0, counted.completionTokens - known.completionTokens),
    // Unsettled calls count at their worst case, in which nothing comes from a cache.
  };
}
