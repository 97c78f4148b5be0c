import { isBatched } from '../../config/batch-apis';
import type { ModelSpec } from '../../config/spec';
import type { Allowance } from '../../method/cost';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import type { KnownMends } from '../endpoints/mends';
import type { Redact } from '../endpoints/secrets';
import type { Journal } from '../journal/journal';
import { type BatchApi, cancelBatch, ENQUEUED_LIMIT, type ProviderBatch } from '../provider-batches/api';
import { openOrders, type Order, type OrderLedger } from '../provider-batches/order-ledger';
import { nothingOf, patienceMs, placeOrder, settledOrder, settleMs } from '../provider-batches/place-order';
import { AllRefusedError } from './all-refused';
import { BudgetExhaustedError } from './allowance-gate';
import type { BatchBudget } from './batch-budget';
import type { BatchItem } from './batch-item';
import { collectOrder, failedBatch } from './collect-order';
import type { EnqueuedTokens } from './enqueued-tokens';
import {
  affordable,
  boundOfCalls,
  draftCall,
  draftOrder,
  type DraftedCall,
  firstOrder,
  keysOf,
  leastOrder,
  orderLimits,
} from './order-plan';
import { callKey, type WantedCall, wantedCalls } from './wanted-calls';

export interface OrderedBatchOptions<Row> {
  readonly items: readonly BatchItem<Row>[];
  readonly api: BatchApi;
  readonly ledger: OrderLedger;
  readonly journal: Journal;
  readonly budget: BatchBudget;
  readonly spec: ModelSpec;
  /** Identity of the model endpoint, part of each request's hash. */
  readonly identity: string;
  readonly known: KnownMends;
  /** Takes the model's keys out of what the provider says. */
  readonly redact: Redact;
  readonly enqueued: EnqueuedTokens;
  readonly runId: string;
  readonly allowance: Allowance | undefined;
  /** The budget was lowered: what this run has ordered, and is not done, is cancelled. */
  readonly withdrawn: boolean;
  readonly stop: AbortSignal;
  readonly beforeSend: () => Promise<void>;
}

/** What is out, or all done. */
export interface OrderedState {
  /** Nothing is out, and every call that an item wants is in the journal; of a model that has become a live one, nothing is out. */
  readonly isDone: boolean;
  readonly itemsLeft: number;
  readonly orders: readonly Order[];
  /** Whether this look has changed anything of the orders. */
  readonly hasChanged: boolean;
  /** Batches that are out, as the provider tells of them. */
  readonly out: readonly ProviderBatch[];
}

/** This many refusals without one reply mean that the endpoint refuses everything. */
const REFUSALS_OF_ALL = 8;

/**
 * One look at the batches of an output: journals what has come back, orders what is wanted and not out, and returns. To be called again and
 * again, from any process: what was done is in the journal and in the ledger. Nothing is ordered twice.
 * @throws BudgetExhaustedError, AllRefusedError, PermanentEndpointError, EndpointUnavailableError, or the reason of `stop`
 */
export async function advanceOrders<Row>(options: OrderedBatchOptions<Row>): Promise<OrderedState> {
  return await new OrderedBatch(options).advance();
}

class OrderedBatch<Row> {
  private orders: Order[] = [];
  private readonly out: ProviderBatch[] = [];
  private hasChanged = false;
  /** An order has ended in this attempt. */
  private hasEnded = false;
  private readonly endpointKey: string;

  constructor(private readonly options: OrderedBatchOptions<Row>) {
    const { baseURL, model } = options.spec;
    this.endpointKey = JSON.stringify([baseURL, model]);
  }

  async advance(): Promise<OrderedState> {
    const { ledger, withdrawn } = this.options;
    this.orders = await ledger.all();
    this.reserve();
    await this.collect();
    if (withdrawn || this.isRecall) await this.cancel();
    if (this.isRecall) return this.state(this.wanted().length);
    if (this.lacksForOrders()) return this.exhausted([]);
    const wanted = this.wanted();
    const isOut = keysOf(openOrders(this.orders));
    const toOrder = wanted.filter((call) => !isOut.has(callKey(call)));
    if (toOrder.length > 0) await this.order(toOrder);
    return this.state(wanted.length);
  }

  /** The model has become a live one: what is out is called back, and what is done of it kept. */
  private get isRecall(): boolean {
    return !isBatched(this.options.spec);
  }

  private state(itemsLeft: number): OrderedState {
    const { orders, out, hasChanged } = this;
    const isBack = openOrders(orders).length === 0;
    return { isDone: isBack && (itemsLeft === 0 || this.isRecall), itemsLeft, orders, out, hasChanged };
  }

  /** What is ordered is paid for already, at its worst case, until it has come back. */
  private reserve(): void {
    const { budget, journal, enqueued } = this.options;
    const open = openOrders(this.orders).flatMap(({ calls }) => calls);
    budget.reserveOrders(boundOfCalls(open.filter(({ item, call, request }) => journal.find(item, call, request) === undefined)));
    enqueued.note(this.endpointKey, this.orders);
  }

  /** Looks at every order that is out. */
  private async collect(): Promise<void> {
    const wanted = new Map(this.wanted().map((call) => [callKey(call), call]));
    for (const order of openOrders(this.orders)) {
      this.options.stop.throwIfAborted();
      const now = await this.looked(order, wanted);
      if (now !== order) this.replace(now);
    }
    this.reserve();
    this.checkRefusals();
  }

  private async looked(order: Order, wanted: ReadonlyMap<string, WantedCall>): Promise<Order> {
    const { api, ledger, journal, budget, spec, known, redact } = this.options;
    const sent = order.batch === undefined ? await settledOrder(order, { api, ledger, settleMs: settleMs(spec) }) : order;
    if (sent.batch === undefined) return sent;
    const batch = await api.batch(sent.batch);
    if (batch === undefined) {
      if (Date.now() < sent.atMs + settleMs(spec)) return sent; // ordered just now: not every server of the provider knows it yet
      throw new PermanentEndpointError(
        `${api.endpoint} does not know the batch ${sent.batch}, which this run has ordered; use the key of the project that it belongs to`,
      );
    }
    if (batch.state === 'running') {
      this.out.push(batch);
      return sent;
    }
    if (batch.state === 'failed') {
      if (batch.problem?.code === ENQUEUED_LIMIT) return await ledger.end(sent, nothingOf(sent, 'enqueued limit'));
      await ledger.end(sent, nothingOf(sent, 'refused'));
      throw failedBatch(api.endpoint, batch, redact);
    }
    return await collectOrder(sent, batch, {
      api,
      ledger,
      journal,
      budget,
      spec,
      known,
      redact,
      wanted,
      failedBefore: this.failedBefore(),
      patienceMs: patienceMs(spec),
    });
  }

  /** By call: in how many orders it has failed. */
  private failedBefore(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { calls, end } of this.orders) {
      for (const index of Object.keys(end?.faults ?? {})) {
        const call = calls[Number(index)];
        if (call === undefined) continue;
        const key = callKey({ item: call.item, call: call.call, hash: call.request });
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return counts;
  }

  private async cancel(): Promise<void> {
    const { api, ledger, runId } = this.options;
    for (const order of openOrders(this.orders)) {
      if (order.runId !== runId || order.batch === undefined || order.cancelled) continue;
      await cancelBatch(api, order.batch);
      this.replace(await ledger.cancelled(order));
    }
  }

  private wanted(): WantedCall[] {
    const { items, journal, identity } = this.options;
    return wantedCalls(items, journal, { identity, keepsRefusals: this.keepsRefusals() });
  }

  /** As of live calls: refusals without one reply mean that the endpoint was set up wrongly. */
  private keepsRefusals(): boolean {
    const calls = [...this.options.journal.all()];
    return calls.some(({ error }) => error === undefined) || calls.length < REFUSALS_OF_ALL;
  }

  /** @throws AllRefusedError when the batches of this attempt had nothing but refusals */
  private checkRefusals(): void {
    if (this.keepsRefusals() || !this.hasEnded || openOrders(this.orders).length > 0) return;
    const refused = [...this.options.journal.all()];
    throw new AllRefusedError(
      `${this.options.api.endpoint} refused all ${refused.length} requests of its batches: ${refused.at(-1)?.error?.message ?? ''}; fix what it names and resume the run`,
    );
  }

  private replace(order: Order): void {
    this.hasChanged = true;
    if (order.end !== undefined) this.hasEnded = true;
    this.orders = [...this.orders.filter(({ number }) => number !== order.number), order].sort((a, b) => a.number - b.number);
  }

  /** Orders as much as limits and allowance permit. */
  private async order(toOrder: readonly WantedCall[]): Promise<void> {
    const { api, ledger, spec, known, runId, allowance, budget, enqueued, stop, beforeSend, withdrawn } = this.options;
    let left = toOrder.map((call) => draftCall(call, spec, known));
    const fits = (bound: ReturnType<typeof boundOfCalls>): boolean => isNothing(budget.lacking(bound));
    const paid = withdrawn ? 0 : affordable(left, fits);
    if (paid < left.length && paid < leastOrder(left.length)) {
      if (openOrders(this.orders).length === 0) this.exhausted(left);
      return; // what comes back gives back what it does not use
    }
    left = left.slice(0, paid);
    while (left.length > 0) {
      stop.throwIfAborted();
      const { inTurn, ...limits } = orderLimits(spec, this.orders);
      if (inTurn && openOrders(this.orders).length > 0) return;
      const room = limits.tokens - enqueued.of(this.endpointKey);
      const calls = firstOrder(left, { ...limits, tokens: room });
      if (room < limits.tokens && tokensOf(calls) > room) return; // it goes when others are done
      const draft = draftOrder(calls, { runId, ...(allowance === undefined ? {} : { allowance }) });
      const order = await placeOrder(draft, (this.orders.at(-1)?.number ?? 0) + 1, { api, ledger, beforeSend });
      this.replace(order);
      this.reserve();
      if (order.end !== undefined) return; // the provider has no room: smaller, and later
      const taken = new Set(calls);
      left = left.filter((call) => !taken.has(call));
    }
  }

  private lacksForOrders(): boolean {
    return openOrders(this.orders).length > 0 && !isNothing(this.options.budget.lacking()) && !this.options.withdrawn;
  }

  /** @throws BudgetExhaustedError */
  private exhausted(left: readonly DraftedCall[]): never {
    const { budget } = this.options;
    const least = Math.max(1, leastOrder(left.length));
    throw new BudgetExhaustedError(budget.lacking(boundOfCalls(left.slice(0, least))), budget.lacking(boundOfCalls(left)));
  }
}

function isNothing({ usd, tokens }: { readonly usd: number; readonly tokens: number }): boolean {
  return usd <= 1e-12 && tokens <= 0;
}

function tokensOf(calls: readonly DraftedCall[]): number {
  return calls.reduce((sum, { wanted }) => sum + wanted.request.tokenEstimate, 0);
}
