import type { FineTuning } from '../../config/fine-tuning';
import { PermanentEndpointError, EndpointUnavailableError } from '../endpoints/endpoint-errors';
import { sleep } from '../timing/sleep';
import type { FileObject, FineTuningApi, FineTuningJob, JobCreateParams } from './api';
import type { JobAttempt, JobLedger } from './job-ledger';

/** Everything that a job is made from. */
export interface JobOrder {
  /** Key of the training: what stands for the job at the provider. */
  readonly key: string;
  readonly baseModel: string;
  readonly settings: FineTuning;
  readonly seed: number;
  /** The training file, made when there is a job to create. */
  readonly data: () => Promise<Buffer>;
}

export interface SubmitOptions {
  readonly api: FineTuningApi;
  readonly ledger: JobLedger;
  readonly signal: AbortSignal;
  /** How long after a request whose end is not known a new job may still be missing in the provider's list. */
  readonly settleMs?: number;
  readonly filePollMs?: number;
}

/** Longer than a request may take, so that none is on its way any more. */
const SETTLE_MS = 120_000;
const FILE_POLL_MS = 2_000;

const KEY = 'rehearse_key';
const ATTEMPT = 'rehearse_attempt';

/**
 * The job of a training: the one that there is, at the provider or in the ledger, else a new one. However often it is
 * asked for, from however many workers, and wherever these die, no second job is created beside one that runs or has succeeded.
 * @throws PermanentEndpointError, EndpointUnavailableError
 */
export async function submitJob(order: JobOrder, options: SubmitOptions): Promise<FineTuningJob> {
  const { api, ledger } = options;
  const last = await ledger.last();
  const job = last === undefined ? undefined : await jobOfAttempt(order.key, last, options);
  if (job !== undefined) return job;
  // Another store, or one that was lost, may have ordered the very same.
  const made = (await api.jobsWith({ [KEY]: order.key })).find(({ status }) => !hasFailed(status));
  // The file is there before the attempt begins, so that of an open attempt the request is soon sent or never.
  const file = made === undefined ? (await uploadedFile(order, options)).id : made.training_file;
  const attempt = await ledger.begin((last?.number ?? 0) + 1, Date.now());
  if (attempt === undefined) {
    throw new EndpointUnavailableError(`another worker is creating the fine-tuning job of ${order.key}; its end is waited for`, {
      unsent: true,
    });
  }
  if (made === undefined) return await createJob(jobRequest(order, file, attempt), attempt, options);
  await ledger.end(attempt, made.id);
  return made;
}

/**
 * What came of the last attempt; undefined when nothing did, or when its job failed before, so that a new one may be begun.
 * A failed job that nobody has heard of yet is returned.
 */
export async function jobOfAttempt(
  key: string,
  last: JobAttempt,
  { api, ledger, settleMs = SETTLE_MS }: Pick<SubmitOptions, 'api' | 'ledger' | 'settleMs'>,
): Promise<FineTuningJob | undefined> {
  if (last.end === 'nothing') return undefined;
  if (last.end !== 'open') {
    const job = await knownJob(last.end.job, last, { api, ledger });
    return hasFailed(job.status) ? undefined : job;
  }
  const [created] = await api.jobsWith({ [KEY]: key, [ATTEMPT]: String(last.number) });
  if (created !== undefined) {
    await ledger.end(last, created.id);
    return created;
  }
  const waitMs = last.atMs + settleMs - Date.now();
  if (waitMs > 0) {
    throw new EndpointUnavailableError(
      `it is not known whether ${api.endpoint} made a fine-tuning job of the last request; its list is looked at again`,
      { waitMs },
    );
  }
  await ledger.end(last, null);
  return undefined;
}

/** A job that the ledger names. @throws PermanentEndpointError when the provider does not know it */
export async function knownJob(
  id: string,
  attempt: Pick<JobAttempt, 'number'>,
  { api, ledger }: Pick<SubmitOptions, 'api' | 'ledger'>,
): Promise<FineTuningJob> {
  const job = await api.job(id);
  if (job !== undefined) return job;
  throw new PermanentEndpointError(
    `${api.endpoint} does not know the fine-tuning job ${id}, which this run has created; use the key of the project that it belongs to, or, to pay for a new one, remove ${ledger.location(attempt)}`,
  );
}

async function createJob(request: JobCreateParams, attempt: JobAttempt, { api, ledger }: SubmitOptions): Promise<FineTuningJob> {
  let job: FineTuningJob;
  try {
    job = await api.create(request);
  } catch (error) {
    // Only a request whose end is not known leaves the attempt open.
    if (error instanceof PermanentEndpointError || (error instanceof EndpointUnavailableError && error.unsent)) {
      await ledger.end(attempt, null);
    }
    throw error;
  }
  await ledger.end(attempt, job.id);
  return job;
}

/** The training file at the provider: sent once, and found again by its name, which is the training's key. */
async function uploadedFile({ key, data }: JobOrder, { api, signal, filePollMs = FILE_POLL_MS }: SubmitOptions): Promise<FileObject> {
  const name = `rehearse-${key}.jsonl`;
  const content = await data();
  const before = await api.findFile(name);
  let file =
    before !== undefined && before.bytes === content.byteLength && before.status !== 'error' ? before : await api.upload(name, content);
  while (file.status === 'uploaded') {
    await sleep(filePollMs, signal);
    file = await api.file(file.id);
  }
  if (file.status === 'error') {
    throw new PermanentEndpointError(
      `${api.endpoint} refuses the training file: ${file.status_details ?? 'it does not say why'}; fix the new data and resume the run`,
    );
  }
  return file;
}

function jobRequest({ key, baseModel, settings, seed }: JobOrder, file: string, attempt: JobAttempt): JobCreateParams {
  const { epochs, batchSize, learningRateMultiplier, suffix } = settings;
  return {
    model: baseModel,
    training_file: file,
    suffix,
    seed,
    metadata: { [KEY]: key, [ATTEMPT]: String(attempt.number) },
    method: {
      type: 'supervised',
      supervised: { hyperparameters: { n_epochs: epochs, batch_size: batchSize, learning_rate_multiplier: learningRateMultiplier } },
    },
  };
}

export function hasFailed(status: FineTuningJob['status']): boolean {
  return status === 'failed' || status === 'cancelled';
}
