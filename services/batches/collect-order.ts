import type { ModelSpec } from '../../config/spec';
import type { CallRecord } from '../../stages/call-record';
import { PermanentEndpointError, permanentError } from '../endpoints/endpoint-errors';
import { statusError } from '../endpoints/error-body';
import type { KnownMends } from '../endpoints/mends';
import { classifyModelError, type ModelFailure } from '../endpoints/model-errors';
import { checkBody } from '../endpoints/reply-body';
import type { Redact } from '../endpoints/secrets';
import { SentRequest } from '../endpoints/sent-request';
import type { Journal } from '../journal/journal';
import type { BatchApi, ProviderBatch, ResultLine } from '../provider-batches/api';
import type { Order, OrderedCall, OrderEnd, OrderLedger } from '../provider-batches/order-ledger';
import { indexOf } from '../provider-batches/place-order';
import type { BatchBudget } from './batch-budget';
import { countedOf, NO_USAGE, usageOfReply } from './billing';
import { errorOf } from './journalled-calls';
import { callKey, type WantedCall } from './wanted-calls';

export interface CollectOptions {
  readonly api: BatchApi;
  readonly ledger: OrderLedger;
  readonly journal: Journal;
  readonly budget: BatchBudget;
  readonly spec: Pick<ModelSpec, 'model' | 'request'>;
  /** What the endpoint is known to want otherwise. */
  readonly known: KnownMends;
  /** Takes the model's keys out of what the provider says. */
  readonly redact: Redact;
  /** Calls that are waited for, by key. */
  readonly wanted: ReadonlyMap<string, WantedCall>;
  /** By key: how often a call has failed in earlier orders. */
  readonly failedBefore: ReadonlyMap<string, number>;
  /** How long results that should be there are waited for, see `patienceMs`. */
  readonly patienceMs: number;
}

/** A call that fails in so many batches, in a way that may pass, is given up as one that the endpoint refuses. */
const MOST_FAULTS = 5;
/** Lines of the journal that are written at once. */
const AT_ONCE = 500;

/**
 * Journals the results of an ended batch as live calls' are, and ends its order. What is in the journal already, from a collection that was
 * interrupted, is not written again. Where results are lacking that were billed (the file was cut, or is not all there yet), the order stays
 * out, to be asked for them again; only what is still lacking after a while is ordered once more.
 * @throws PermanentEndpointError when the provider says of a request what it would say of every one
 */
export async function collectOrder(order: Order, batch: ProviderBatch, options: CollectOptions): Promise<Order> {
  const { api, ledger } = options;
  const run = new Collection(order, batch, options);
  try {
    for await (const line of api.results(batch)) await run.add(line);
  } finally {
    await run.flush();
  }
  if (run.lacksResults && run.permanent === undefined) {
    if (order.lackingSinceMs === undefined) return await ledger.lacking(order);
    if (Date.now() < order.lackingSinceMs + options.patienceMs) return order;
  }
  const ended = await ledger.end(order, run.end());
  if (run.permanent !== undefined) throw permanentError(api.endpoint, run.permanent, { path: order.path, body: {} });
  return ended;
}

type Settled = { readonly record: CallRecord } | { readonly fault: string } | undefined;

class Collection {
  permanent: ModelFailure | undefined;
  private readonly has = new Set<number>();
  /** Calls that a line was there for, whatever it said. */
  private readonly told = new Set<number>();
  private isCut = false;
  private readonly faults: Record<string, string> = {};
  private writing: Promise<void>[] = [];

  constructor(
    private readonly order: Order,
    private readonly batch: ProviderBatch,
    private readonly options: CollectOptions,
  ) {}

  /** Whether fewer results were there than the provider tells of. */
  get lacksResults(): boolean {
    const { isWhole, done } = this.batch;
    const { length } = this.order.calls;
    return this.isCut || this.told.size < (isWhole ? length : Math.min(done, length));
  }

  async add(line: ResultLine | undefined): Promise<void> {
    if (line === undefined) {
      this.isCut = true;
      return;
    }
    const { customId, outcome } = line;
    const { calls, tag } = this.order;
    const index = indexOf(customId, tag);
    const call = index === undefined ? undefined : calls[index];
    if (index === undefined || call === undefined) return;
    this.told.add(index);
    if (this.has.has(index)) return;
    const stored = this.options.journal.find(call.item, call.call, call.request);
    if (stored !== undefined && (stored.error === undefined || stored.batch === this.batch.id)) {
      this.has.add(index);
      return;
    }
    const settled = this.settle(call, outcome);
    if (settled === undefined) return;
    if ('fault' in settled) {
      this.faults[index] = settled.fault;
      return;
    }
    this.has.add(index);
    delete this.faults[index];
    this.writing.push(this.keep(settled.record));
    if (this.writing.length >= AT_ONCE) await this.flush();
  }

  async flush(): Promise<void> {
    const { writing } = this;
    this.writing = [];
    await Promise.all(writing);
  }

  end(): OrderEnd {
    const open = this.order.calls.map((_, index) => index).filter((index) => !this.has.has(index));
    const faults = { ...this.faults };
    // A whole batch that says nothing of a request has lost it.
    if (this.batch.isWhole) for (const index of open) faults[index] ??= 'missing';
    return { open, faults };
  }

  private async keep(record: CallRecord): Promise<void> {
    await this.options.journal.append(record);
    this.options.budget.chargeOrdered(countedOf(record));
  }

  private settle(call: OrderedCall, outcome: ResultLine['outcome']): Settled {
    if ('unrun' in outcome) return undefined;
    let failure: ModelFailure;
    try {
      if ('reply' in outcome) return { record: this.replyRecord(call, checkBody(outcome.reply)) };
      failure = classifyModelError(statusError(outcome.status, outcome.body, new Headers()), Date.now());
    } catch (error) {
      failure = classifyModelError(error, Date.now());
    }
    failure = { ...failure, message: this.options.redact(failure.message) };
    if (failure.scope === 'permanent') {
      this.permanent ??= failure;
      return undefined;
    }
    const isRefused = failure.scope === 'item' && !this.isMended(call, failure);
    if (isRefused) return { record: this.refusalRecord(call, failure) };
    const before = this.options.failedBefore.get(keyOf(call)) ?? 0;
    return before + 1 < MOST_FAULTS ? { fault: failure.kind } : { record: this.refusalRecord(call, failure) };
  }

  /** Whether the request means the same without what it was refused for: it is ordered again so. */
  private isMended(call: OrderedCall, failure: ModelFailure): boolean {
    const wanted = this.options.wanted.get(keyOf(call));
    if (wanted === undefined || (this.options.failedBefore.get(keyOf(call)) ?? 0) + 1 >= MOST_FAULTS) return false;
    const sent = new SentRequest(wanted.request.body, wanted.json, this.options);
    if (!sent.mend(sent.named(failure))) return false;
    sent.worked();
    return true;
  }

  private replyRecord(call: OrderedCall, reply: unknown): CallRecord {
    const reported = usageOfReply(reply);
    return { ...this.record(call), reply: JSON.stringify(reply), ...(reported === undefined ? { counted: call.bound } : {}) };
  }

  private refusalRecord(call: OrderedCall, failure: ModelFailure): CallRecord {
    return { ...this.record(call), error: errorOf(failure), counted: NO_USAGE };
  }

  private record({ item, call, request }: OrderedCall): CallRecord {
    // How long one call of a batch took nobody tells.
    return { item, call, request, at: new Date().toISOString(), ms: 0, batch: this.batch.id };
  }
}

function keyOf({ item, call, request }: OrderedCall): string {
  return callKey({ item, call, hash: request });
}

/** The error that a failed batch ends the run with. */
export function failedBatch(endpoint: string, { id, problem }: ProviderBatch, redact: Redact): PermanentEndpointError {
  const why = `${problem?.message ?? 'it does not say why'}${problem?.code === undefined ? '' : ` (${problem.code})`}`;
  return new PermanentEndpointError(
    `${endpoint} did nothing of the batch ${id}: ${redact(why)}; fix what it names and resume the run, or set mode: live`,
  );
}
