import { setMaxListeners } from 'node:events';
import type { BatchProgress } from '../../method/cost';
import { SuspectRequest } from '../endpoints/endpoint-health';
import type { CallOptions, ModelClient, ModelRequest } from '../endpoints/model-client';
import type { Journal } from '../journal/journal';
import { AllRefusedRule } from './all-refused';
import { BatchBudget } from './batch-budget';
import type { BatchItem } from './batch-item';
import { BatchTally, type BatchResult } from './batch-tally';
import { ItemQueue, type QueuedItem } from './item-queue';
import { JournalledCalls, type MadeCall, type ReplayedCall } from './journalled-calls';
import { Lanes } from './lanes';
import type { WatchedItem } from './reply-watch';

export interface BatchOptions<Row> {
  readonly items: readonly BatchItem<Row>[];
  readonly client: ModelClient;
  /** Identity of the model endpoint, part of each request's hash. */
  readonly identity: string;
  readonly journal: Journal;
  /** Counts what the batch spends, and keeps it within its allowance; without it, there is no limit and no price. */
  readonly budget?: BatchBudget;
  /** Most items in progress at once; the endpoint's limiter may allow fewer calls. */
  readonly concurrency: number;
  /** Aborted to stop: calls in flight are finished and journalled, no new ones begin. */
  readonly stop: AbortSignal;
  /** Awaited before each call is sent; when it throws, nothing is sent, and the batch ends with that. */
  readonly beforeCall?: () => Promise<void>;
  /** Awaited before each item begins; what it returns is called when the item has ended or is set aside. When it throws, the batch ends with that. */
  readonly admit?: (signal: AbortSignal) => Promise<() => void>;
  /** Called after each step with a function that returns the progress; counting at each step would be slow. */
  readonly onProgress: (read: () => BatchProgress) => void;
  /** Called when an item is done, with the number of items that are left; what it throws ends the batch. */
  readonly onItemDone?: (left: number, item: WatchedItem) => void;
  /** What is in the journal is a result, and nothing else is asked for: a refusal without one reply too. */
  readonly isComplete?: boolean;
  /** Faults of earlier attempts that are to be told, by kind. */
  readonly faults?: Readonly<Record<string, number>>;
  /** After failing for this long in a row, an item's call is set aside, and its lane takes another item. */
  readonly setAsideAfterMs?: number;
}

const SET_ASIDE_AFTER_MS = 20_000;

/** Rank of an item's second and later calls: they come before all first ones, while the server's cache still has their prefix. */
const RANK_OF_LATER_CALLS = 0;

/**
 * Runs a batch of items to its end. Calls that the journal holds are not made again.
 * @throws the first permanent error, AllRefusedError, BudgetExhaustedError, or the reason of `stop`, after the calls in flight
 * have been journalled
 */
export async function runBatch<Row extends { readonly id: string }>(options: BatchOptions<Row>): Promise<BatchResult<Row>> {
  return await new BatchRun(options).run();
}

class BatchRun<Row extends { readonly id: string }> {
  private readonly failing = new AbortController();
  /** Aborted when no new call may begin. */
  private readonly ending: AbortSignal;
  private readonly queue: ItemQueue<Row>;
  private readonly calls: JournalledCalls;
  private readonly allRefused: AllRefusedRule;
  private readonly tally: BatchTally<Row>;
  private readonly progress = (): BatchProgress => this.tally.progress();
  // The batch that began first goes first: its journal's lines are written close together, and it is soon done.
  private readonly rankOfFirstCalls = performance.now();
  private probes = 0;

  constructor(private readonly options: BatchOptions<Row>) {
    const { items, client, identity, journal, budget = new BatchBudget({ journal }), stop } = options;
    const signal = AbortSignal.any([stop, this.failing.signal]);
    this.ending = signal;
    setMaxListeners(0, signal); // every call that waits listens to it; Node would report a leak at the eleventh
    // Refusals without one reply mean that the endpoint was set up wrongly, not that these items are at fault.
    const hadReplies = [...journal.all()].some((record) => record.error === undefined);
    this.queue = new ItemQueue(items);
    this.tally = new BatchTally(items.length, budget);
    for (const [kind, count] of Object.entries(options.faults ?? {})) this.tally.addFault(kind, count);
    this.allRefused = new AllRefusedRule(client.endpoint, hadReplies);
    this.calls = new JournalledCalls({
      client,
      identity,
      journal,
      budget,
      signal,
      keepsRefusals: hadReplies || options.isComplete === true,
      onTransient: ({ kind }) => this.tally.addFault(kind),
      beforeCall: options.beforeCall,
    });
  }

  /**
   * Starts items while there are free lanes. One item at a time waits for the endpoint's limiter: requests are made when there is
   * a permit for them, not before, and they are sent in the order of the items, so that a server finds the same prefix in its cache.
   */
  async run(): Promise<BatchResult<Row>> {
    const lanes = new Lanes(this.options.concurrency);
    const { signal } = this.failing;
    const onError = (error: unknown): void => this.failing.abort(error);
    this.options.onProgress(this.progress); // what its journal holds has cost something already
    while (!signal.aborted) {
      await lanes.free();
      const queued = this.queue.next();
      if (queued !== undefined) await lanes.run((onStart) => this.work(queued, onStart).catch(onError));
      else if (lanes.idle) break;
      else await lanes.oneEnds(); // it may set its item aside
    }
    await lanes.allEnd();
    this.queue.close();
    if (signal.aborted) throw signal.reason;
    return this.tally.result();
  }

  private async work(queued: QueuedItem<Row>, onStart: () => void): Promise<void> {
    const { setAsideAfterMs = SET_ASIDE_AFTER_MS } = this.options;
    const { pending } = queued;
    if (pending === undefined) {
      const leave = await this.options.admit?.(this.ending);
      await this.advance(queued, { onStart, setAsideAfterMs }).finally(leave);
    } else {
      onStart(); // it waits by itself, for longer than the others should
      if (!pending.suspect.othersAnsweredSinceFailure) await this.probe(pending.request);
      await this.advance(queued, { setAsideAfterMs: 0 });
    }
    this.options.onProgress(this.progress);
  }

  /** Takes an item from step to step, until it is done or a call of it is set aside. */
  private async advance(queued: QueuedItem<Row>, manner: Pick<CallOptions, 'onStart' | 'setAsideAfterMs'>): Promise<void> {
    const { item, exchanges } = queued;
    for (;;) {
      const step = item.next(exchanges);
      if (step.do === 'done') {
        this.tally.addItem(step);
        this.options.onItemDone?.(this.tally.left, { ...step, id: item.id, exchanges });
        return;
      }
      const { request } = step;
      const ended = await this.calls.call(item.id, exchanges.length, request, {
        ...manner,
        suspect: queued.pending?.suspect,
        rank: exchanges.length === 0 ? this.rankOfFirstCalls : RANK_OF_LATER_CALLS,
      });
      if (ended instanceof SuspectRequest) {
        this.queue.setAside({ item, exchanges, pending: { request, suspect: ended } });
        return;
      }
      this.count(request, ended);
      queued.pending = undefined;
      exchanges.push(ended);
      this.options.onProgress(this.progress);
    }
  }

  /** When only items that were set aside are left, another request has to show whether the endpoint or the item is at fault. */
  private async probe({ path }: ModelRequest): Promise<void> {
    const prompt = path === 'completions' ? { prompt: 'Hello' } : { messages: [{ role: 'user', content: 'Hello' }] };
    const request: ModelRequest = { path, body: { ...prompt, max_tokens: 1, seed: ++this.probes }, tokenEstimate: 16 };
    const ended = await this.calls.call(`probe-${Date.now()}`, this.probes, request, { setAsideAfterMs: 0 });
    if (ended instanceof SuspectRequest) ended.close();
    else this.count(request, ended);
  }

  /** @throws AllRefusedError */
  private count(request: ModelRequest, ended: MadeCall | ReplayedCall): void {
    if (!ended.isReplayed) this.allRefused.check(request, ended);
    this.tally.addCall(request, ended);
  }
}
