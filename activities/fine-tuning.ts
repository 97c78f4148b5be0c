import { writeFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { modelOf } from '../config/models-in-use';
import { fineTuningOf, type FineTuning } from '../config/spec-fine-tuning';
import type { FailureType } from '../contract/failures';
import type { TrainOutcome } from '../contract/outcomes';
import type { HeartbeatDetails } from '../contract/progress';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { EndpointUnavailableError, PermanentEndpointError } from '../services/endpoints/model-client';
import { createFineTuningApi, type FineTuningApi, type FineTuningJob } from '../services/fine-tuning/api';
import { JobLedger } from '../services/fine-tuning/job-ledger';
import { jobProgress, lossCurve } from '../services/fine-tuning/job-progress';
import { estimatedUsd, fineTuningResult, jobFailure, type FineTuningResult } from '../services/fine-tuning/result';
import { hasFailed, jobOfAttempt, knownJob, submitJob } from '../services/fine-tuning/submit';
import { trainingFile } from '../services/fine-tuning/training-file';
import { replaceFile } from '../services/store/artifact-store';
import { storeFiles } from '../services/store/stage-files';
import { InputLostError, noCalls } from '../services/store/stage-store';
import { type StageAddress } from '../stages/address';
import { addresses, type RunPlan } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { lossTable, mixtureTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import type { MixtureDetail } from './mix';
import { inputManifest, readStage } from './read-stage';
import { runActivity, type ActivityScope } from './run-activity';

/** Of the training's output: who may create a job and what came of it, and the job's events. */
const FOLDER = 'fine-tuning';
/** Enough to hold the metrics of the last step among messages. */
const NEWEST_EVENTS = 20;

type VariantRef = PlanRef & { readonly variant: string };

/** What the activities have in common. */
interface Tuning {
  readonly plan: RunPlan;
  readonly settings: FineTuning;
  readonly address: StageAddress;
  readonly mixture: StageAddress;
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
    const address = addresses.train(plan, input.variant);
    return {
      plan,
      settings,
      address,
      mixture: addresses.mix(plan, input.variant),
      api: await createFineTuningApi({ name: settings.model, spec: modelOf(plan.spec, settings.model), env: deps.env, signal }),
      ledger: new JobLedger(store, `${stages.folder(address)}/${FOLDER}`),
    };
  }

  async function trained(address: StageAddress): Promise<TrainOutcome | undefined> {
    const finished = await stages.find(address, ROWS_VERSIONS.train);
    return finished === undefined ? undefined : outcomeOf(finished.detail as FineTuningResult);
  }

  /** The training file, once it may be sent, and what its job is estimated to cost. */
  async function readTrainingFile({ plan, settings, mixture }: Tuning): Promise<{ readonly file: Buffer; readonly usd: number | null }> {
    const rows = await readStage(stages, mixture, ROWS_VERSIONS.mix, mixtureTable);
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

  async function keep({ plan, settings, address, mixture, api }: Tuning, job: FineTuningJob): Promise<TrainOutcome> {
    const [events, checkpoints, { rows, detail }] = [
      await api.events(job.id),
      await api.checkpoints(job.id),
      await inputManifest(stages, mixture, ROWS_VERSIONS.mix),
    ];
    const result = fineTuningResult({
      job,
      events,
      checkpoints,
      examples: rows.rows - (detail as MixtureDetail).cut,
      model: modelOf(plan.spec, settings.model),
    });
    const output = stages.folder(address);
    await replaceFile(
      workspace.path(`${output}/${FOLDER}/events/events.jsonl`),
      async (temporary) => await writeFile(temporary, events.map((event) => `${JSON.stringify(event)}\n`).join('')),
    );
    await stages.commit(address, ROWS_VERSIONS.train, lossTable, {
      rows: lossCurve(events),
      failures: [],
      stats: noCalls(new Date(job.created_at * 1000).toISOString()),
      detail: result,
      files: await storeFiles(deps, output, `${FOLDER}/events`),
      inputs: [mixture],
    });
    return outcomeOf(result);
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
        const {
          address: { key },
          api,
          ledger,
        } = tuning;
        const before = await trained(tuning.address);
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
        const { plan, settings, address, api, ledger } = tuning;
        if ((await trained(address)) !== undefined) return null;
        heartbeat(beat(input.variant, { done: 0, total: 0, note: 'sending the mixture to the provider' }));
        const { id } = await submitJob(
          {
            key: address.key,
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
        const { settings, address, api, ledger } = tuning;
        const before = await trained(address);
        if (before !== undefined) return before;
        const last = await ledger.last();
        if (last === undefined || typeof last.end === 'string') {
          throw new InputLostError(
            `which fine-tuning job trains ${stages.folder(address)} is not in the store any more; start the run again, which finds the job at the provider`,
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
        const { address, api, ledger } = tuning;
        const last = await ledger.last();
        const job = last === undefined ? undefined : await jobOfAttempt(address.key, last, tuning);
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

function outcomeOf({ model, steps, lossCurve: curve, usd }: FineTuningResult): TrainOutcome {
  return { checkpoint: model, steps, lastLoss: curve.at(-1)?.loss ?? null, usd };
}
