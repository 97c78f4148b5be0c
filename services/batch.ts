import { setMaxListeners } from 'node:events';
import { costOf, type Price } from '../config/price';
import { canonicalJson } from '../method/canonical-json';
import { addCounts, type BatchProgress } from '../method/cost';
import type { Failure, Usage } from '../method/records';
import { sha256 } from './artifact-store';
import { Journal, type CallError, type CallRecord } from './journal';
import type { ModelClient, ModelRequest } from './model-client';
import { adviceFor, type ModelFailure } from './model-errors';
import { readReply, type ModelReply } from './model-reply';
import type { StageStats } from './stage-store';

/** A call of an item that has ended, well or not. */
export interface Exchange {
  readonly reply: ModelReply | undefined;
  readonly error: CallError | undefined;
}

/** What an item wants next, given the calls it has had. */
export type Step<Row> =
  | { readonly do: 'call'; readonly request: ModelRequest }
  | { readonly do: 'done'; readonly rows: readonly Row[]; readonly failures: readonly Failure[] };

/**
 * One item of a batch, as a pure step machine: the same exchanges always lead to the same step, so an item is resumed
 * by replaying its journalled calls.
 */
export interface BatchItem<Row> {
  readonly id: string;
  next(exchanges: readonly Exchange[]): Step<Row>;
}

export interface BatchOptions<Row> {
  readonly items: readonly BatchItem<Row>[];
  readonly client: ModelClient;
  /** Identity of the model endpoint, part of each request's hash. */
  readonly identity: string;
  readonly journal: Journal;
  /** Of the model, for what the batch costs; without it, no dollars. */
  readonly price?: Price;
  /** Items in work at once; the endpoint's limiter has the last word. */
  readonly concurrency: number;
  /** Aborted to stop: calls in flight are finished and journalled, no new ones begin. */
  readonly stop: AbortSignal;
  readonly onProgress: (progress: BatchProgress) => void;
}

export interface BatchResult<Row> {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  readonly calls: readonly CallRecord[];
  readonly progress: BatchProgress;
  readonly stats: StageStats;
}

/** This many refusals without one success mean that the endpoint refuses everything, not that the items are bad. */
const REFUSALS_THAT_DOOM_A_BATCH = 8;

/** Every request of the batch was refused. The refusals are not results: another attempt makes the calls again. */
export class AllRefusedError extends Error {
  override readonly name = 'AllRefusedError';
}

/**
 * Runs a batch of items to its end. Calls that the journal holds are not made again.
 * @throws the first permanent error, or the reason of `stop`, after the calls in flight have been journalled
 */
export async function runBatch<Row extends { readonly id: string }>(options: BatchOptions<Row>): Promise<BatchResult<Row>> {
  const { items, client, identity, journal, price, concurrency, stop, onProgress } = options;
  const rows: Row[] = [];
  const failures: Failure[] = [];
  const used: CallRecord[] = [];
  const transient: Record<string, number> = {};
  const refusals: Record<string, number> = {};
  // Refusals of an attempt without one reply say that the endpoint was set up wrongly, not that these items are bad.
  const hadReplies = [...journal.all()].some((record) => record.error === undefined);
  const failing = new AbortController();
  const signal = AbortSignal.any([stop, failing.signal]);
  setMaxListeners(0, signal); // every call that waits listens to it; Node would take the eleventh for a leak
  let done = 0;
  let samples = 0;
  let replayed = 0;
  let succeeded = 0;
  let refused = 0;
  let promptTokens = 0;
  let completionTokens = 0;

  const progress = (): BatchProgress => ({
    done, total: items.length, failed: failures.length, requests: used.length, replayed, promptTokens, completionTokens,
    cost: costOf({ promptTokens, completionTokens }, price), errors: addCounts(transient, refusals),
  });

  async function exchange(item: BatchItem<Row>, call: number, request: ModelRequest): Promise<Exchange> {
    const hash = sha256(canonicalJson({ identity, path: request.path, body: request.body })).slice(0, 32);
    let record = journal.find(item.id, call, hash);
    if (record === undefined || (record.error !== undefined && !hadReplies)) {
      signal.throwIfAborted();
      const outcome = await client.call(request, {
        signal,
        onTransient: ({ kind }) => (transient[kind] = (transient[kind] ?? 0) + 1),
      });
      record = {
        item: item.id, call, request: hash, at: new Date().toISOString(), ms: Math.round(outcome.ms * 10) / 10,
        ...('reply' in outcome
          ? { reply: outcome.reply }
          : { error: errorOf(outcome.refusal) }),
      };
      await journal.append(record);
      if (record.error === undefined) succeeded++;
      else if (++refused >= REFUSALS_THAT_DOOM_A_BATCH && succeeded === 0 && !hadReplies) {
        throw new AllRefusedError(`${client.endpoint} refused the first ${refused} requests: ${record.error.message}; ${adviceFor(record.error, request)}`);
      }
    } else {
      replayed++;
    }
    used.push(record);
    if (record.error !== undefined) refusals[record.error.kind] = (refusals[record.error.kind] ?? 0) + 1;
    const reply = readReply(record.reply);
    samples += reply?.choices.length ?? 1;
    promptTokens += reply?.usage?.promptTokens ?? 0;
    completionTokens += reply?.usage?.completionTokens ?? 0;
    return { reply, error: record.error };
  }

  async function settle(item: BatchItem<Row>): Promise<void> {
    const exchanges: Exchange[] = [];
    for (;;) {
      const step = item.next(exchanges);
      if (step.do === 'done') {
        rows.push(...step.rows);
        failures.push(...step.failures);
        done++;
        return;
      }
      exchanges.push(await exchange(item, exchanges.length, step.request));
      onProgress(progress());
    }
  }

  const queue = items[Symbol.iterator]();
  async function lane(): Promise<void> {
    // Lanes share one iterator: each takes the next item as it becomes free.
    for (const item of { [Symbol.iterator]: () => queue }) {
      if (failing.signal.aborted) return;
      await settle(item);
      onProgress(progress());
    }
  }

  let firstError: unknown;
  await Promise.all(
    Array.from({ length: Math.min(concurrency, items.length) }, () =>
      lane().catch((error: unknown) => {
        firstError ??= error;
        failing.abort(error);
      }),
    ),
  );
  if (firstError !== undefined) throw firstError;

  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return {
    rows: rows.sort(byId),
    failures: failures.sort(byId),
    calls: used.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : a.call - b.call)),
    progress: progress(),
    stats: { calls: samples, requests: used.length, promptTokens, completionTokens, transient, refused: refusals, ...timing(used) },
  };
}

function errorOf({ kind, status, param, message }: ModelFailure): CallError {
  return { kind, status, message, ...(param === undefined ? {} : { param }) };
}

function timing(calls: readonly CallRecord[]): Pick<StageStats, 'modelMs' | 'startedAt' | 'finishedAt'> {
  const now = new Date().toISOString();
  const ends = calls.map((call) => call.at).sort();
  const starts = calls.map((call) => Date.parse(call.at) - call.ms);
  return {
    modelMs: Math.round(calls.reduce((sum, call) => sum + call.ms, 0)),
    startedAt: starts.length === 0 ? now : new Date(starts.reduce((least, value) => Math.min(least, value))).toISOString(),
    finishedAt: ends.at(-1) ?? now,
  };
}

/** An even part of a request's usage, for one of `parts` samples. */
export function evenPart(usage: Usage | null, parts: number): Usage | null {
  if (usage === null || parts <= 1) return usage;
  return { promptTokens: Math.round(usage.promptTokens / parts), completionTokens: Math.round(usage.completionTokens / parts) };
}
