import { randomBytes } from 'node:crypto';
import type { ModelSpec } from '../../config/spec';
import { EndpointUnavailableError, PermanentEndpointError } from '../endpoints/endpoint-errors';
import { type BatchApi, EnqueuedLimitError, type ProviderBatch } from './api';
import type { Order, OrderEnd, OrderIntent, OrderLedger } from './order-ledger';

/** What is to be ordered: each call with its request as a live call's body. */
export interface OrderDraft extends Pick<OrderIntent, 'runId' | 'path' | 'tokens' | 'calls' | 'allowance'> {
  readonly bodies: readonly string[];
}

export interface OrderDeps {
  readonly api: BatchApi;
  readonly ledger: OrderLedger;
  /** Awaited before the batch is ordered; when it throws, it is not. */
  readonly beforeSend: () => Promise<void>;
}

/** How often a batch is looked at. */
export function pollMs({ batch }: Pick<ModelSpec, 'batch'>): number {
  return 1000 * (batch?.pollSeconds ?? POLL_SECONDS);
}

/** How long after a request whose end is not known a batch may still be missing in the provider's list. */
export function settleMs(spec: Pick<ModelSpec, 'batch'>): number {
  return 2 * pollMs(spec);
}

/** How long an ended batch is asked again for results that it lacks, before they are taken to be lost: a file may be cut, or be there late. */
export function patienceMs(spec: Pick<ModelSpec, 'batch'>): number {
  return 10 * pollMs(spec);
}

const POLL_SECONDS = 60;
/** Clocks differ. */
const SKEW_MS = 10 * 60_000;

function customId(tag: string, index: number): string {
  return `${tag}-${index}`;
}

/** The number of a call in its order; undefined for an id that is not of this order. */
export function indexOf(id: string, tag: string): number | undefined {
  const digits = id.startsWith(`${tag}-`) ? id.slice(tag.length + 1) : '';
  return /^\d+$/.test(digits) ? Number(digits) : undefined;
}

/**
 * Orders a batch. The order is in the store before it is sent, with the file of its requests where the API has such, so that after `kill -9`
 * at any point the batch is found again and no second one is ordered.
 * @returns the order; ended when the provider has too many tokens enqueued
 * @throws PermanentEndpointError, EndpointUnavailableError
 */
export async function placeOrder(draft: OrderDraft, number: number, { api, ledger, beforeSend }: OrderDeps): Promise<Order> {
  const { bodies, ...rest } = draft;
  const tag = `rh${randomBytes(8).toString('hex')}`;
  const lines = bodies.map((body, index) => api.line(customId(tag, index), draft.path, body));
  await beforeSend();
  const file = await api.upload(tag, lines);
  const order = await ledger.begin(number, { ...rest, tag, file, atMs: Date.now() });
  if (order === undefined) {
    throw new EndpointUnavailableError(`another worker orders the batch of ${api.endpoint}; its end is waited for`, { unsent: true });
  }
  let isSent = false;
  try {
    await beforeSend();
    isSent = true;
    const batch = await api.create({ tag, path: draft.path, file, lines });
    return await ledger.sent(order, batch.id);
  } catch (error) {
    if (error instanceof EnqueuedLimitError) return await ledger.end(order, nothingOf(order, 'enqueued limit'));
    const isNothing = !isSent || error instanceof PermanentEndpointError || (error instanceof EndpointUnavailableError && error.unsent);
    // Only a request whose end is not known leaves the order open.
    if (isNothing) await ledger.end(order, nothingOf(order, 'refused'));
    throw error;
  }
}

/** The end of an order of which nothing was done. */
export function nothingOf({ calls }: Pick<Order, 'calls'>, problem?: OrderEnd['problem']): OrderEnd {
  return { open: calls.map((_, index) => index), faults: {}, ...(problem === undefined ? {} : { problem }) };
}

/**
 * Finds out what became of an order whose end is not known. By the file of its requests, which no other batch has; where there are no files,
 * by count and time among the provider's batches, and by the ids in the results of those: until they have results, it waits.
 * @returns the order: sent, ended, or still unknown
 */
export async function settledOrder(
  order: Order,
  { api, ledger, settleMs: waitMs }: Pick<OrderDeps, 'api' | 'ledger'> & { readonly settleMs: number },
): Promise<Order> {
  let mayBeOurs = false;
  for await (const batch of api.since(order.atMs - SKEW_MS)) {
    const isOurs = await isOf(batch, order, { api, ledger });
    if (isOurs === true) return await ledger.sent(order, batch.id);
    mayBeOurs ||= isOurs === undefined;
  }
  if (mayBeOurs || Date.now() < order.atMs + waitMs) return order;
  return await ledger.end(order, nothingOf(order));
}

/** Undefined where that cannot be told yet. */
async function isOf(
  batch: ProviderBatch,
  { tag, file, calls }: Order,
  { api, ledger }: Pick<OrderDeps, 'api' | 'ledger'>,
): Promise<boolean | undefined> {
  if (file !== null) return batch.inputFile === file;
  if (batch.requests !== calls.length) return false;
  const known = await ledger.tagOf(batch.id);
  if (known !== undefined) return known === tag;
  if (batch.state === 'running') return undefined;
  for await (const line of api.results(batch)) if (line !== undefined) return indexOf(line.customId, tag) !== undefined;
  return false;
}
