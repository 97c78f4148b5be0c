import type { Usage } from '../method/records';
import type { Table } from './table';

export interface CallError {
  readonly kind: string;
  readonly status?: number;
  /** The request's parameter that the endpoint complained of. */
  readonly param?: string;
  readonly message: string;
}

/** One finished model call: what was asked (by hash) and what came back, before anything is parsed. */
export interface CallRecord {
  /** Item of the batch that the call is for. */
  readonly item: string;
  /** 0-based number of the call for this item. */
  readonly call: number;
  /** Hash of endpoint identity, path and body; another request is never answered by this record. */
  readonly request: string;
  /** ISO time at which the reply was complete. */
  readonly at: string;
  readonly ms: number;
  /** The endpoint's JSON body, as the text that came. */
  readonly reply?: string;
  /** A refusal of this one request (such as a context overflow), which is a result too. */
  readonly error?: CallError;
  /** What it counts against a budget, where the reply does not tell; see billing.ts. */
  readonly counted?: Usage;
  /** The provider's id of the batch that it was ordered with; absent for a live call. */
  readonly batch?: string;
}

export const callTable: Table<CallRecord> = {
  schema: {
    item: 'string',
    call: 'int',
    request: 'string',
    at: 'string',
    ms: 'double',
    reply: 'string',
    error: 'json',
    counted: 'json',
    batch: 'string',
  },
  optional: ['reply', 'error', 'counted', 'batch'],
};
