import type { FileObject } from 'openai/resources/files';
import type { FineTuningJob, FineTuningJobCheckpoint, FineTuningJobEvent, JobCreateParams } from 'openai/resources/fine-tuning/jobs';
import type { ModelSpec } from '../../config/spec';
import { readApiKey } from '../endpoints/api-key';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import { fineTuningFault } from './errors';

export type { FileObject, FineTuningJob, FineTuningJobCheckpoint, FineTuningJobEvent, JobCreateParams };

/** A provider's fine-tuning API. Every method throws PermanentEndpointError, EndpointUnavailableError, or the signal's reason. */
export interface FineTuningApi {
  /** Which model and where, for messages. */
  readonly endpoint: string;
  upload(name: string, data: Buffer): Promise<FileObject>;
  file(id: string): Promise<FileObject>;
  /** The training file of this name, if it was uploaded before. */
  findFile(name: string): Promise<FileObject | undefined>;
  create(job: JobCreateParams): Promise<FineTuningJob>;
  /** Undefined when the provider has no such job. */
  job(id: string): Promise<FineTuningJob | undefined>;
  /** Jobs whose metadata holds all of this, the newest first. */
  jobsWith(metadata: Readonly<Record<string, string>>): Promise<FineTuningJob[]>;
  cancel(id: string): Promise<FineTuningJob>;
  /** The newest events, the newest first. */
  newestEvents(id: string, most: number): Promise<FineTuningJobEvent[]>;
  /** All events, the oldest first. */
  events(id: string): Promise<FineTuningJobEvent[]>;
  /** Checkpoints that can be used as models, by step. */
  checkpoints(id: string): Promise<FineTuningJobCheckpoint[]>;
}

export interface FineTuningApiOptions {
  /** The name that the spec gives the model. */
  readonly name: string;
  readonly spec: ModelSpec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

const REQUEST_TIMEOUT_MS = 60_000;
/** 512 MB over a slow line. */
const UPLOAD_TIMEOUT_MS = 60 * 60_000;
const PAGE = 100;
const NOT_FOUND = 404;

/** The fine-tuning API behind a model's baseURL. @throws PermanentEndpointError when its key is not in the environment */
export async function createFineTuningApi({ name, spec, env, signal }: FineTuningApiOptions): Promise<FineTuningApi> {
  const endpoint = `model "${name}" at ${spec.baseURL}`;
  const apiKey = readApiKey(name, spec, env);
  const { default: OpenAI, toFile } = await import('openai'); // every llm worker would take longer to start
  const client = new OpenAI({
    baseURL: spec.baseURL,
    apiKey: apiKey ?? 'none',
    // Retries are Temporal's: a repeated POST would be a second job.
    maxRetries: 0,
    timeout: REQUEST_TIMEOUT_MS,
    // A redirect to another host would be shown the key.
    fetchOptions: { redirect: 'manual' },
  });
  const { jobs } = client.fineTuning;

  async function asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw fineTuningFault(error, doing, { endpoint, apiKey });
    }
  }

  return {
    endpoint,
    upload: async (fileName, data) =>
      await asking(
        'take the training file',
        async () =>
          await client.files.create(
            { file: await toFile(data, fileName, { type: 'application/jsonl' }), purpose: 'fine-tune' },
            { signal, timeout: UPLOAD_TIMEOUT_MS },
          ),
      ),
    file: async (id) => await asking('tell of the training file', async () => await client.files.retrieve(id, { signal })),
    findFile: async (fileName) =>
      await asking('list its files', async () => {
        for await (const file of client.files.list({ purpose: 'fine-tune', limit: PAGE }, { signal })) {
          if (file.filename === fileName) return file;
        }
        return undefined;
      }),
    create: async (job) => await asking('create a fine-tuning job', async () => await jobs.create(job, { signal })),
    job: async (id) => {
      try {
        return await asking('tell of the fine-tuning job', async () => await jobs.retrieve(id, { signal }));
      } catch (error) {
        if (error instanceof PermanentEndpointError && error.failure?.status === NOT_FOUND) return undefined;
        throw error;
      }
    },
    jobsWith: async (metadata) =>
      await asking('list its fine-tuning jobs', async () => {
        const found: FineTuningJob[] = [];
        // Providers that do not know the filter list all jobs, so it is applied here too.
        for await (const job of jobs.list({ limit: PAGE, metadata: { ...metadata } }, { signal })) {
          if (Object.entries(metadata).every(([key, value]) => job.metadata?.[key] === value)) found.push(job);
        }
        return found.sort((a, b) => b.created_at - a.created_at);
      }),
    cancel: async (id) => await asking('cancel the fine-tuning job', async () => await jobs.cancel(id, { signal })),
    newestEvents: async (id, most) =>
      await asking('tell of its progress', async () => (await jobs.listEvents(id, { limit: most }, { signal })).data),
    events: async (id) =>
      await asking('tell the events of the job', async () => {
        const events: FineTuningJobEvent[] = [];
        for await (const event of jobs.listEvents(id, { limit: PAGE }, { signal })) events.push(event);
        return events.reverse();
      }),
    checkpoints: async (id) =>
      await asking('list the checkpoints', async () => {
        const checkpoints: FineTuningJobCheckpoint[] = [];
        for await (const checkpoint of jobs.checkpoints.list(id, { limit: PAGE }, { signal })) checkpoints.push(checkpoint);
        return checkpoints.sort((a, b) => a.step_number - b.step_number);
      }),
  };
}
