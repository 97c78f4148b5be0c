import { canonicalJson } from '../../method/canonical-json';
import type { CallError, CallRecord } from '../../stages/call-record';
import type { SuspectRequest } from '../endpoints/endpoint-health';
import type { CallOptions, ModelClient, ModelRequest } from '../endpoints/model-client';
import type { ModelErrorKind, ModelFailure } from '../endpoints/model-errors';
import { readReply } from '../endpoints/model-reply';
import type { Journal } from '../journal/journal';
import type { BatchBudget } from './batch-budget';
import type { Exchange } from './batch-item';
import { requestHash } from './request-hash';

/** A call that this attempt has made. */
export interface MadeCall extends Exchange {
  readonly isReplayed: false;
  readonly record: CallRecord;
  readonly error: (CallError & { readonly kind: ModelErrorKind }) | undefined;
}

/** A call that an earlier attempt has made, read from the journal. */
export interface ReplayedCall extends Exchange {
  readonly isReplayed: true;
  readonly record: CallRecord;
}

export interface JournalledCallsOptions {
  readonly client: ModelClient;
  /** Identity of the model endpoint, part of each request's hash. */
  readonly identity: string;
  readonly journal: Journal;
  readonly budget: BatchBudget;
  /** Aborted to stop: no new call begins. */
  readonly signal: AbortSignal;
  /** Whether a stored refusal is a result; if not, its call is made again. */
  readonly keepsRefusals: boolean;
  /** Told of each fault that is retried. */
  readonly onTransient: (failure: ModelFailure) => void;
  /** Awaited before each call is sent. */
  readonly beforeCall: (() => Promise<void>) | undefined;
}

/** Makes the calls of a batch's items, each once: a call that the journal holds is read from there. */
export class JournalledCalls {
  private readonly hashOf: ReturnType<typeof requestHash>;

  constructor(private readonly options: JournalledCallsOptions) {
    this.hashOf = requestHash(options.identity);
  }

  /**
   * One call: from the journal, or made, journalled and billed.
   * @param item id of the item that it is for
   * @param number of the call for this item, from 0
   * @returns the ended call; or, of a call that keeps failing and is set aside, its suspect request
   * @throws what the client and the budget throw, StorageUnavailableError, or the signal's reason
   */
  async call(
    item: string,
    number: number,
    request: ModelRequest,
    manner: Pick<CallOptions, 'onStart' | 'rank' | 'suspect' | 'setAsideAfterMs'>,
  ): Promise<MadeCall | ReplayedCall | SuspectRequest> {
    const { client, journal, budget, signal, keepsRefusals, onTransient, beforeCall } = this.options;
    const json = canonicalJson(request.body);
    const hash = this.hashOf(request.path, json);
    const stored = journal.find(item, number, hash);
    if (stored !== undefined && (stored.error === undefined || keepsRefusals)) return replayed(stored, request);
    signal.throwIfAborted();
    const beforeSend = async (): Promise<void> => {
      await beforeCall?.();
      journal.checkWritable();
    };
    const call = await budget.call(client, request, { ...manner, signal, json, onTransient, beforeSend });
    if ('setAside' in call) return call.setAside;
    const { outcome, note, reservation } = call;
    const error = 'refusal' in outcome ? errorOf(outcome.refusal) : undefined;
    const record: CallRecord = {
      item,
      call: number,
      request: hash,
      at: new Date().toISOString(),
      ms: Math.round(outcome.ms * 10) / 10,
      ...('reply' in outcome ? { reply: outcome.text } : { error }),
      ...(note === undefined ? {} : { counted: note }),
    };
    try {
      await journal.append(record, reservation?.id);
    } finally {
      budget.settle(call, item); // it is paid for, whether or not it could be kept
    }
    return { isReplayed: false, record, error, reply: 'reply' in outcome ? readReply(outcome.reply, request.body) : undefined };
  }
}

/** A stored call as an exchange of its item. */
export function replayed(record: CallRecord, { body }: ModelRequest): ReplayedCall {
  const reply = record.reply === undefined ? undefined : readReply(JSON.parse(record.reply), body);
  return { isReplayed: true, record, error: record.error, reply };
}

/** A refusal as it is stored. */
export function errorOf({ kind, status, param, message }: ModelFailure): CallError & { readonly kind: ModelErrorKind } {
  return { kind, status, message, ...(param === undefined ? {} : { param }) };
}
