import { writeFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { fineTuningOf, type FineTuning } from '../config/fine-tuning';
import { modelOf } from '../config/models-in-use';
import type { FailureType } from '../contract/failures';
import type { TrainOutcome } from '../contract/outcomes';
import type { HeartbeatDetails } from '../contract/progress';
import type { VariantRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import type { MixtureRow } from '../method/records';
import { EndpointUnavailableError, PermanentEndpointError } from '../services/endpoints/endpoint-errors';
import { createFineTuningApi, type FineTuningApi, type FineTuningJob } from '../services/fine-tuning/api';
import { JobLedger } from '../services/fine-tuning/job-ledger';
import { jobProgress, lossCurve } from '../services/fine-tuning/job-progress';
import { estimatedUsd, fineTuningResult, jobFailure } from '../services/fine-tuning/result';
import { hasFailed, jobOfAttempt, knownJob, submitJob } from '../services/fine-tuning/submit';
import { trainingFile } from '../services/fine-tuning/training-file';
import { replaceFile } from '../services/store/artifact-store';
import { storeFiles } from '../services/store/stage-files';
import { InputLostError, noCalls } from '../services/store/stage-store';
import { detailOf } from '../services/store/stored-output';
import { mixStage, type MixtureDetail } from '../stages/mix';
import { type RunPlan } from '../stages/run-plan';
import type { Output } from '../stages/stage';
import { trainStage, type LossRow, type TrainingDetail } from '../stages/train';
import type { ActivityDeps } from './deps';
import { runActivity, type ActivityScope } from './run-activity';
import { trainOutcome } from './train-outcome';

/** Of the training's output: who may create a job and what came of it, and the job's events. */
const FOLDER = 'fine-tuning';
/** Enough to hold the metrics of the last step among messages. */
const NEWEST_EVENTS = 20;

/** What the activities have in common. */
interface Tuning {
  readonly plan: RunPlan;
  readonly settings: FineTuning;
  readonly output: Output<LossRow, TrainingDetail>;
  readonly mixture: Output<MixtureRow, MixtureDetail>;
  readonly api: FineTuningApi;
  readonly ledger: JobLedger;
}

/** The job runs on: the attempt of watching it has failed in order to be made again, as Temporal advises for polls a minute or more apart. */
class StillTrainingError extends Error {
  override readonly name = 'StillTrainingError' satisfies FailureType;
}

/**
 * SFT by the fine-tuning API of an endpoint. Short activities around a job that may take days: no slot of a worker
 * is held meanwhile, and a history gets no event for a look at the job.
 */
export function createFineTuningActivities(deps: ActivityDeps) {
  const { stages, store, workspace } = deps;

  async function tuningOf(input: VariantRef, signal: AbortSignal): Promise<Tuning> {
    const plan = await deps.plans.load(input.plan);
    const settings = fineTuningOf(plan.spec);
    if (settings === undefined) throw new Error('train.backend of the plan is not openai; a validated spec cannot come here');
    const output = trainStage.at(plan, input.variant);
    return {
      plan,
      settings,
      output,
      mixture: mixStage.at(plan, input.variant),
      api: await createFineTuningApi({ name: settings.model, spec: modelOf(plan.spec, settings.model), env: deps.env, signal }),
      ledger: new JobLedger(store, `${stages.folder(output.address)}/${FOLDER}`),
    };
  }

  async function trained(output: Tuning['output']): Promise<TrainOutcome | undefined> {
    const finished = await stages.find(output);
    return finished === undefined ? undefined : trainOutcome(detailOf(finished));
  }

  /** The training file, once it may be sent, and what its job is estimated to cost. */
  async function readTrainingFile({ plan, settings, mixture }: Tuning): Promise<{ readonly file: Buffer; readonly usd: number | null }> {
    const rows = await stages.inputRows(mixture);
    const file = trainingFile(rows);
    const usd = estimatedUsd(
      file.byteLength,
      rows.filter(({ cut = false }) => !cut).length,
      settings.epochs,
      modelOf(plan.spec, settings.model).price,
    );
    if (settings.maxUsd !== undefined && usd !== null && usd > settings.maxUsd) {
      throw new PermanentEndpointError(
        `the fine-tuning job is estimated to cost $${usd.toFixed(2)}, more than train.openai.maxUsd, $${settings.maxUsd.toFixed(2)}; raise it, or lower epochs or mix.maxExamples`,
      );
    }
    return { file, usd };
  }

  async function keep({ plan, settings, output, mixture, api }: Tuning, job: FineTuningJob): Promise<TrainOutcome> {
    const [events, checkpoints, mixed] = [await api.events(job.id), await api.checkpoints(job.id), await stages.input(mixture)];
    const result = fineTuningResult({
      job,
      events,
      checkpoints,
      examples: mixed.manifest.rows.rows - (detailOf(mixed).cut ?? 0),
      model: modelOf(plan.spec, settings.model),
    });
    const folder = stages.folder(output.address);
    await replaceFile(
      workspace.path(`${folder}/${FOLDER}/events/events.jsonl`),
      async (temporary) => await writeFile(temporary, events.map((event) => `${JSON.stringify(event)}\n`).join('')),
    );
    await stages.commit(output, {
      rows: lossCurve(events),
      failures: [],
      stats: noCalls(new Date(job.created_at * 1000).toISOString()),
      detail: result,
      files: await storeFiles(deps, folder, `${FOLDER}/events`),
      inputs: [mixture],
    });
    return trainOutcome(result);
  }

  /** Runs a body; what is to be asked again is asked when the provider, or the spec, says. */
  async function asking<T>(body: (scope: ActivityScope) => Promise<T>): Promise<T> {
    return await runActivity(deps, async (scope) => {
      try {
        return await body(scope);
      } catch (error) {
        if (!(error instanceof EndpointUnavailableError) || error.waitMs === undefined) throw error;
        throw ApplicationFailure.create({
          type: error.name,
          message: error.message,
          cause: error,
          nextRetryDelay: Math.min(error.waitMs, LONGEST_WAIT_MS),
        });
      }
    });
  }

  return {
    /** What the job will cost, or has cost; `ordered` when it is there already and needs no funds. */
    async estimateFineTuning(input: VariantRef): Promise<{ readonly key: string; readonly usd: number | null; readonly ordered: boolean }> {
      return await asking(async ({ stop }) => {
        const tuning = await tuningOf(input, stop);
        const { output, api, ledger } = tuning;
        const { key } = output.address;
        const before = await trained(output);
        if (before !== undefined) return { key, usd: before.usd ?? null, ordered: true };
        const { usd } = await readTrainingFile(tuning);
        const last = await ledger.last();
        return { key, usd, ordered: last !== undefined && (await jobOfAttempt(key, last, { api, ledger })) !== undefined };
      });
    },

    /** Sends the mixture and creates the job, unless either is there. Returns the job's id, or null when the training was done before. */
    async submitFineTuning(input: VariantRef): Promise<string | null> {
      return await asking(async ({ stop, heartbeat }) => {
        const tuning = await tuningOf(input, stop);
        const { plan, settings, output, api, ledger } = tuning;
        if ((await trained(output)) !== undefined) return null;
        heartbeat(beat(input.variant, { done: 0, total: 0, note: 'sending the mixture to the provider' }));
        const { id } = await submitJob(
          {
            key: output.address.key,
            baseModel: modelOf(plan.spec, settings.model).model,
            settings,
            seed: plan.spec.seed,
            data: async () => (await readTrainingFile(tuning)).file,
          },
          { api, ledger, signal: stop },
        );
        return id;
      });
    },

    /** Looks at the job once: its outcome when it has ended, else a failure that has Temporal look again after `pollSeconds`. */
    async awaitFineTuning(input: VariantRef): Promise<TrainOutcome> {
      return await asking(async ({ stop, heartbeat }) => {
        const tuning = await tuningOf(input, stop);
        const { settings, output, api, ledger } = tuning;
        const before = await trained(output);
        if (before !== undefined) return before;
        const last = await ledger.last();
        if (last === undefined || typeof last.end === 'string') {
          throw new InputLostError(
            `which fine-tuning job trains ${stages.folder(output.address)} is not in the store any more; start the run again, which finds the job at the provider`,
          );
        }
        const job = await knownJob(last.end.job, last, tuning);
        if (hasFailed(job.status)) throw jobFailure(job, api.endpoint);
        if (job.status === 'succeeded') return await keep(tuning, job);
        const { step, totalSteps, note } = jobProgress(job, await api.newestEvents(job.id, NEWEST_EVENTS));
        heartbeat(beat(input.variant, { done: step, total: totalSteps, note }));
        throw stillTraining(
          `the fine-tuning job ${job.id} goes on: ${note}${totalSteps > 0 ? `, step ${step} of ${totalSteps}` : ''}`,
          settings.pollSeconds,
        );
      });
    },

    /** Cancels the job at the provider, if there is one that runs. */
    async cancelFineTuning(input: VariantRef): Promise<void> {
      await asking(async ({ stop }) => {
        const tuning = await tuningOf(input, stop);
        const { output, api, ledger } = tuning;
        const last = await ledger.last();
        const job = last === undefined ? undefined : await jobOfAttempt(output.address.key, last, tuning);
        if (job === undefined || hasEnded(job)) return;
        try {
          await api.cancel(job.id);
        } catch (error) {
          const now = await api.job(job.id);
          if (now !== undefined && !hasEnded(now)) throw error; // else it ended in this very moment
        }
        deps.log.info({ job: job.id, ledger: ledger.location(last!) }, 'the fine-tuning job is cancelled at the provider');
      });
    },
  };
}

const LONGEST_WAIT_MS = 10_000;

function hasEnded({ status }: Pick<FineTuningJob, 'status'>): boolean {
  return status === 'succeeded' || hasFailed(status);
}

function beat(variant: string, progress: Pick<HeartbeatDetails, 'done' | 'total' | 'note'>): HeartbeatDetails {
  return { stage: 'train', model: variant, part: 'all', ...NO_CALLS, ...progress };
}

function stillTraining(message: string, pollSeconds: number): ApplicationFailure {
  const error = new StillTrainingError(message);
  return ApplicationFailure.create({
    type: error.name,
    message,
    nextRetryDelay: pollSeconds * 1000,
    category: ApplicationFailureCategory.BENIGN,
  });
}
