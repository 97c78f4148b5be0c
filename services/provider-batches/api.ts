/** One batch at its provider, whatever the provider calls its states. */
export interface ProviderBatch {
  readonly id: string;
  /** `ended`: what was done has results, all or a part; `failed`: nothing of it was done. */
  readonly state: 'running' | 'ended' | 'failed';
  /** Whether it ran to its end, neither expired nor cancelled. */
  readonly isWhole: boolean;
  /** Infinity where the provider does not tell: it may be any of ours. */
  readonly createdAtMs: number;
  /** Requests, and of those the ones that are done; 0 where the provider does not tell yet. */
  readonly requests: number;
  readonly done: number;
  /** File of its requests, where the API has such. */
  readonly inputFile: string | undefined;
  /** Files of results. */
  readonly resultFiles: readonly string[];
  /** Why it failed. */
  readonly problem: { readonly code: string | undefined; readonly message: string } | undefined;
}

/** What became of one request of a batch. */
export interface ResultLine {
  readonly customId: string;
  readonly outcome:
    /** The body that a live call would have got. */
    | { readonly reply: unknown }
    /** The error that a live call would have got. */
    | { readonly status: number; readonly body: unknown }
    /** The batch expired, or was cancelled, before its turn: not billed. */
    | { readonly unrun: true };
}

/** What is ordered: its requests as the API writes them. */
export interface BatchOrder {
  /** The order's own name, at the front of each custom id. */
  readonly tag: string;
  readonly path: 'completions' | 'chat/completions';
  /** From `upload`; null where there is no such step. */
  readonly file: string | null;
  readonly lines: readonly string[];
}

/** A provider's batch API. Every method throws PermanentEndpointError, EndpointUnavailableError, or the signal's reason. */
export interface BatchApi {
  /** Which model and where, for messages. */
  readonly endpoint: string;
  /** One request as JSON text. @param body as a live call's */
  line(customId: string, path: BatchOrder['path'], body: string): string;
  /** Sends the requests, where that is a step of its own; returns the file's id, or null. */
  upload(tag: string, lines: readonly string[]): Promise<string | null>;
  /** Orders the batch: from here on it costs. @throws EnqueuedLimitError too */
  create(order: BatchOrder): Promise<ProviderBatch>;
  /** Undefined when the provider has no such batch. */
  batch(id: string): Promise<ProviderBatch | undefined>;
  /** Batches that were created since, the newest first. */
  since(ms: number): AsyncIterable<ProviderBatch>;
  cancel(id: string): Promise<void>;
  /** Of an ended batch, in any order; undefined for a line that cannot be read, as the last one of a file that was cut. */
  results(batch: ProviderBatch): AsyncIterable<ResultLine | undefined>;
}

/** Cancels a batch; one that has ended meanwhile has nothing left to cancel, which providers call an error. */
export async function cancelBatch(api: BatchApi, id: string): Promise<void> {
  try {
    await api.cancel(id);
  } catch (error) {
    const now = await api.batch(id).catch(() => undefined);
    if (now === undefined || now.state === 'running') throw error;
  }
}

/** More tokens are ordered than the provider allows at once: smaller batches, or later ones, may be taken. */
export class EnqueuedLimitError extends Error {
  override readonly name = 'EnqueuedLimitError';
}

/** The code that OpenAI and Azure give it, in a refusal or as the reason of a failed batch. */
export const ENQUEUED_LIMIT = 'token_limit_exceeded';
