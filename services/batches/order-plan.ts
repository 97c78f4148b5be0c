import { BATCH_MOST, batchApiOf } from '../../config/batch-apis';
import type { ModelSpec } from '../../config/spec';
import type { Usage } from '../../method/records';
import type { KnownMends } from '../endpoints/mends';
import { SentRequest } from '../endpoints/sent-request';
import type { Order } from '../provider-batches/order-ledger';
import type { OrderDraft } from '../provider-batches/place-order';
import { boundOf, inBatches, sumOfUsage } from './billing';
import { callKey, type WantedCall } from './wanted-calls';

/** Besides the body, what a line of an order has. */
const LINE_BYTES = 200;
/** Less than this share of what is wanted is not worth a batch, which may take a day. */
const LEAST_SHARE = 0.25;

/** A wanted call as it would be ordered. */
export interface DraftedCall {
  readonly wanted: WantedCall;
  readonly body: string;
  readonly bytes: number;
  readonly bound: Usage;
}

/** How large a batch may be. */
export interface OrderLimits {
  readonly requests: number;
  readonly bytes: number;
  /** Tokens; Infinity where there is no limit. */
  readonly tokens: number;
}

/**
 * The limits of the next batch: the spec's and the API's own. After a batch that the provider had no room for: half of that one, and no second
 * one beside it, until one was taken again.
 */
export function orderLimits(
  spec: Pick<ModelSpec, 'baseURL' | 'batch'>,
  orders: readonly Order[],
): OrderLimits & { readonly inTurn: boolean } {
  const most = BATCH_MOST[batchApiOf(spec)];
  const { maxRequests = most.requests, maxBytes = most.bytes, enqueuedTokens = Infinity } = spec.batch ?? {};
  const refusedAt = orders.findLastIndex(({ end }) => end?.problem === 'enqueued limit');
  const refused = orders[refusedAt];
  const takenSince = orders.slice(refusedAt + 1).filter(({ batch }) => batch !== undefined);
  const smaller =
    refused === undefined ? Infinity : Math.max(1, Math.floor(refused.calls.length / 2), ...takenSince.map(({ calls }) => calls.length));
  return {
    requests: Math.min(maxRequests, most.requests, smaller),
    bytes: Math.min(maxBytes, most.bytes),
    tokens: enqueuedTokens,
    inTurn: refused !== undefined,
  };
}

/** A wanted call with the body that a live call would have. */
export function draftCall(wanted: WantedCall, spec: Pick<ModelSpec, 'model' | 'request'>, known: KnownMends): DraftedCall {
  const body = new SentRequest(wanted.request.body, wanted.json, { spec, known }).body.toString('utf8');
  return { wanted, body, bytes: Buffer.byteLength(body) + LINE_BYTES, bound: inBatches(boundOf(wanted.request)) };
}

/** The first calls, as many as one batch may hold: all of one path, the first one in any case. */
export function firstOrder(calls: readonly DraftedCall[], { requests, bytes, tokens }: OrderLimits): DraftedCall[] {
  const path = calls[0]?.wanted.request.path;
  const taken: DraftedCall[] = [];
  let size = 0;
  let enqueued = 0;
  for (const call of calls) {
    if (call.wanted.request.path !== path) continue;
    size += call.bytes;
    enqueued += call.wanted.request.tokenEstimate;
    if (taken.length > 0 && (taken.length >= requests || size > bytes || enqueued > tokens)) break;
    taken.push(call);
  }
  return taken;
}

/** How many of the first calls are paid for by an allowance. @param fits whether this much more does */
export function affordable(calls: readonly DraftedCall[], fits: (bound: Usage) => boolean): number {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(boundOfCalls(calls.slice(0, middle)))) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The least number of calls that is ordered by itself, of those that are wanted. */
export function leastOrder(wanted: number): number {
  return Math.ceil(wanted * LEAST_SHARE);
}

export function boundOfCalls(calls: readonly { readonly bound: Usage }[]): Usage {
  return sumOfUsage(calls.map(({ bound }) => bound));
}

/** The draft of an order of these calls. */
export function draftOrder(calls: readonly DraftedCall[], rest: Pick<OrderDraft, 'runId' | 'allowance'>): OrderDraft {
  return {
    ...rest,
    path: calls[0]!.wanted.request.path,
    tokens: calls.reduce((sum, { wanted }) => sum + wanted.request.tokenEstimate, 0),
    calls: calls.map(({ wanted: { item, call, hash }, bound }) => ({ item, call, request: hash, bound })),
    bodies: calls.map(({ body }) => body),
  };
}

/** Keys of the calls of these orders. */
export function keysOf(orders: readonly Order[]): Set<string> {
  return new Set(orders.flatMap(({ calls }) => calls.map(({ item, call, request }) => callKey({ item, call, hash: request }))));
}
