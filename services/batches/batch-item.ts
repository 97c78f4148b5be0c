import type { Failure } from '../../method/records';
import type { CallError } from '../../stages/call-record';
import type { ModelRequest } from '../endpoints/model-client';
import type { ModelReply } from '../endpoints/model-reply';

/** A call of an item that has ended: with a reply, with a refusal, or with a body that is no usable reply (neither). */
export interface Exchange {
  readonly reply: ModelReply | undefined;
  readonly error: CallError | undefined;
}

/** What an item does next, given its exchanges so far. */
export type Step<Row> =
  | { readonly do: 'call'; readonly request: ModelRequest }
  | { readonly do: 'done'; readonly rows: readonly Row[]; readonly failures: readonly Failure[] };

/**
 * One item of a batch, as a pure step machine: the same exchanges always lead to the same step, so an item is resumed by
 * replaying its journalled calls.
 */
export interface BatchItem<Row> {
  readonly id: string;
  next(exchanges: readonly Exchange[]): Step<Row>;
}
