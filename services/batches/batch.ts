import { setMaxListeners } from 'node:events';
import type { FailureType } from '../../contract/failures';
import { canonicalJson } from '../../method/canonical-json';
import { addCounts, type BatchProgress } from '../../method/cost';
import type { Failure, Usage } from '../../method/records';
import { type CallError, type CallRecord } from '../../stages/call-record';
import { sha256 } from '../../stages/sha256';
import { SuspectRequest } from '../endpoints/endpoint-health';
import { adviceFor } from '../endpoints/error-advice';
import type { CallOptions, ModelClient, ModelRequest } from '../endpoints/model-client';
import { type ModelFailure } from '../endpoints/model-errors';
import { readReply, type ModelReply } from '../endpoints/model-reply';
import { Journal } from '../journal/journal';
import type { StageStats } from '../store/stage-store';
import { BatchBudget } from './batch-budget';
import { Lanes } from './lanes';

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
  /** Counts what the batch spends, and keeps it within its allowance; without it, there is no limit and no price. */
  readonly budget?: BatchBudget;
  /** Most items in work at once; the endpoint's limiter has the last word. */
  readonly concurrency: number;
  /** Aborted to stop: calls in flight are finished and journalled, no new ones begin. */
  readonly stop: AbortSignal;
  /** Called after each step with a function that tells how far the batch is; counting at each step would cost more than it tells. */
  readonly onProgress: (read: () => BatchProgress) => void;
  /** Called with the number of items that are left. */
  readonly onItemDone?: (left: number) => void;
  /** Time of failure in a row after which an item's call is set aside and its lane does something else. */
  readonly setAsideAfterMs?: number;
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

const SET_ASIDE_AFTER_MS = 20_000;

/** Rank of an item's later calls: they go on where its first one has left the server's cache. */
const GOES_FIRST = 0;

/** An item on its way. */
interface Entry<Row> {
  readonly item: BatchItem<Row>;
  readonly exchanges: Exchange[];
  /** Set while its call fails. */
  suspect?: SuspectRequest | undefined;
  /** The call for which it was set aside. */
  readonly waitingFor?: ModelRequest;
}

/** Every request of the batch was refused, or every reply lacks what was asked for. The refusals are not results: another attempt makes the calls again. */
export class AllRefusedError extends Error {
  override readonly name = 'AllRefusedError' satisfies FailureType;
}

/**
 * Runs a batch of items to its end. Calls that the journal holds are not made again.
 * @throws the first permanent error, BudgetExhaustedError, or the reason of `stop`, after the calls in flight have been journalled
 */
export async function runBatch<Row extends { readonly id: string }>(options: BatchOptions<Row>): Promise<BatchResult<Row>> {
  const {
    items,
    client,
    identity,
    journal,
    budget = new BatchBudget({ journal }),
    concurrency,
    stop,
    onProgress,
    onItemDone,
    setAsideAfterMs = SET_ASIDE_AFTER_MS,
  } = options;
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
  const identityJson = JSON.stringify(identity);
  // The batch that began first goes first: its journal's lines come close together, and it is done and forgotten soon.
  const rank = performance.now();
  let done = 0;
  let samples = 0;
  let replayed = 0;
  let succeeded = 0;
  let refused = 0;
  let promptTokens = 0;
  let completionTokens = 0;
  let withLogprobs = 0;
  let withoutLogprobs = 0;
  let probes = 0;

  const progress = (): BatchProgress => ({
    done,
    total: items.length,
    failed: failures.length,
    requests: used.length,
    replayed,
    promptTokens,
    completionTokens,
    cost: budget.cost,
    errors: addCounts(transient, refusals),
  });

  /** One call of an item: from the journal, or made and journalled; or what keeps it waiting. */
  async function exchange(
    item: string,
    number: number,
    request: ModelRequest,
    manner: Pick<CallOptions, 'onStart' | 'rank' | 'suspect' | 'setAsideAfterMs'>,
  ): Promise<Exchange | SuspectRequest> {
    const json = canonicalJson(request.body);
    const hash = sha256(`{"body":${json},"identity":${identityJson},"path":"${request.path}"}`).slice(0, 32); // canonical too
    let record = journal.find(item, number, hash);
    let body: unknown;
    const fresh = record === undefined || (record.error !== undefined && !hadReplies);
    if (record === undefined || fresh) {
      signal.throwIfAborted();
      const call = await budget.call(client, request, { ...manner, signal, json, onTransient: ({ kind }) => count(kind) });
      if ('setAside' in call) return call.setAside;
      const { outcome, reservation } = call;
      record = {
        item,
        call: number,
        request: hash,
        at: new Date().toISOString(),
        ms: Math.round(outcome.ms * 10) / 10,
        ...('reply' in outcome ? { reply: outcome.text } : { error: errorOf(outcome.refusal) }),
        ...(call.note === undefined ? {} : { counted: call.note }),
      };
      if ('reply' in outcome) body = outcome.reply;
      await journal.append(record, reservation?.id);
      budget.settle(call, item);
      if (!('refusal' in outcome)) succeeded++;
      else if (++refused >= REFUSALS_THAT_DOOM_A_BATCH && succeeded === 0 && !hadReplies) {
        throw new AllRefusedError(
          `${client.endpoint} refused the first ${refused} requests: ${outcome.refusal.message}; ${adviceFor(outcome.refusal, request)}`,
        );
      }
    } else {
      replayed++;
      if (record.reply !== undefined) body = JSON.parse(record.reply);
    }
    used.push(record);
    if (record.error !== undefined) refusals[record.error.kind] = (refusals[record.error.kind] ?? 0) + 1;
    const reply = readReply(body);
    if (reply !== undefined) checkGiven(request, reply, fresh);
    samples += reply?.choices.length ?? 1;
    promptTokens += reply?.usage?.promptTokens ?? 0;
    completionTokens += reply?.usage?.completionTokens ?? 0;
    return { reply, error: record.error };
  }

  /** What was asked for but left out without a word. @throws AllRefusedError when no reply has what its stage cannot do without */
  function checkGiven({ path, body }: ModelRequest, { choices }: ModelReply, fresh: boolean): void {
    if (choices.length === 0) return;
    if (typeof body['n'] === 'number' && choices.length < body['n']) count('fewer_choices');
    if (!fresh || body['logprobs'] === undefined || choices.every(({ text }) => text === '')) return;
    if (choices.some(({ tokens }) => tokens.length > 0)) withLogprobs++;
    else if (++withoutLogprobs >= REFUSALS_THAT_DOOM_A_BATCH && withLogprobs === 0) {
      throw new AllRefusedError(
        `${client.endpoint} gave no logprobs in its first ${withoutLogprobs} replies; ${adviceFor({ kind: 'refused', param: 'logprobs' }, { path, body })}`,
      );
    }
  }

  function count(kind: string): void {
    transient[kind] = (transient[kind] ?? 0) + 1;
  }

  /** Takes an item as far as it goes: to its end, or to a call that has to wait. */
  async function settle(entry: Entry<Row>, patience: Pick<CallOptions, 'onStart' | 'setAsideAfterMs'>): Promise<void> {
    const { item, exchanges } = entry;
    for (;;) {
      const step = item.next(exchanges);
      if (step.do === 'done') {
        rows.push(...step.rows);
        failures.push(...step.failures);
        done++;
        onItemDone?.(items.length - done);
        return;
      }
      const ended = await exchange(item.id, exchanges.length, step.request, {
        ...patience,
        suspect: entry.suspect,
        rank: exchanges.length === 0 ? rank : GOES_FIRST,
      });
      if (ended instanceof SuspectRequest) {
        later.push({ ...entry, suspect: ended, waitingFor: step.request });
        return;
      }
      entry.suspect = undefined;
      exchanges.push(ended);
      onProgress(progress);
    }
  }

  const queue = items[Symbol.iterator]();
  /** Items whose call fails again and again: they do not keep a lane from the others, and are gone on with at the end. */
  const later: Entry<Row>[] = [];

  function nextEntry(): Entry<Row> | undefined {
    const { value: item } = queue.next() as { value: BatchItem<Row> | undefined };
    return item === undefined ? later.shift() : { item, exchanges: [] };
  }

  async function work(entry: Entry<Row>, onStart: () => void): Promise<void> {
    if (entry.waitingFor === undefined) {
      await settle(entry, { onStart, setAsideAfterMs });
    } else {
      onStart(); // it waits by itself, for longer than the others should
      if (entry.suspect?.othersAnsweredSinceFailure === false) await probe(entry.waitingFor);
      await settle(entry, { setAsideAfterMs: 0 });
    }
    onProgress(progress);
  }

  /** With nothing else left to do, only another request can tell whether the endpoint or the item is at fault. */
  async function probe({ path }: ModelRequest): Promise<void> {
    const prompt = path === 'completions' ? { prompt: 'Hello' } : { messages: [{ role: 'user', content: 'Hello' }] };
    const request: ModelRequest = { path, body: { ...prompt, max_tokens: 1, seed: ++probes }, tokenEstimate: 16 };
    const ended = await exchange(`probe-${Date.now()}`, probes, request, { setAsideAfterMs: 0 });
    if (ended instanceof SuspectRequest) ended.close();
  }

  // One item at a time waits for the endpoint's limiter: requests are made when there is a place for them, not before, and
  // they go out in the order of the items, so that a server finds the same prefix again.
  const lanes = new Lanes(concurrency);
  let firstError: unknown;
  while (!failing.signal.aborted) {
    await lanes.free();
    const entry = nextEntry();
    if (entry === undefined) {
      if (lanes.idle) break;
      await lanes.oneEnds(); // it may leave its item for later
    } else {
      await lanes.run((onStart) =>
        work(entry, onStart).catch((error: unknown) => {
          firstError ??= error;
          failing.abort(error);
        }),
      );
    }
  }
  await lanes.allEnd();
  for (const { suspect } of later) suspect?.close();
  if (firstError !== undefined) throw firstError;

  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return {
    rows: rows.sort(byId),
    failures: failures.sort(byId),
    calls: used.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : a.call - b.call)),
    progress: progress(),
    stats: {
      calls: samples,
      requests: used.length,
      promptTokens,
      completionTokens,
      transient,
      refused: refusals,
      counted: budget.counted,
      ...timing(used),
    },
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
