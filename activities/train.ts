import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { weightsOf } from '../config/fine-tuning';
import { specOfVariant } from '../config/training-method';
import { formatDuration } from '../contract/figures';
import type { TrainOutcome } from '../contract/outcomes';
import type { HeartbeatDetails } from '../contract/progress';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { writeConversations } from '../services/data/conversations';
import { type PythonEvent } from '../services/python/python-protocol';
import { replaceFile } from '../services/store/artifact-store';
import { CHECKPOINT_FOLDER, storeFiles } from '../services/store/stage-files';
import { detailOf } from '../services/store/stored-output';
import { CheckpointUploads } from '../services/training/checkpoint-uploads';
import { TrainingCheckpoints } from '../services/training/training-checkpoints';
import { holdOutStage } from '../stages/hold-out';
import { mixStage } from '../stages/mix';
import { type RunPlan } from '../stages/run-plan';
import { templateDate } from '../stages/template-date';
import { trainStage } from '../stages/train';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';
import { trainOutcome } from './train-outcome';

/** For the upload of the last checkpoint of a training that is stopped; a draining worker has two minutes for all. */
const LAST_UPLOAD_MS = 60_000;

/** SFT of the target model on the mixture, in a Python subprocess that goes on from its last checkpoint. */
export function createTrainActivities(deps: ActivityDeps) {
  const { stages, store, workspace } = deps;
  return {
    async trainVariant(input: PlanRef & { readonly variant: string }): Promise<TrainOutcome> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const plan = await deps.plans.load(input.plan);
        const { train, target, seed } = specOfVariant(plan.spec, input.variant);
        // What is distilled has a loss of its own, which is no cross-entropy of what is held out.
        const measuresLoss = train.evalSteps !== undefined && train.sdft === undefined && train.distill === undefined;
        const output = trainStage.at(plan, input.variant);
        const folder = stages.folder(output.address);
        const checkpoints = checkpointsInStore(deps, plan, folder);
        const training = await stages.findOrMake(output, async () => {
          const outputDir = workspace.path(`${folder}/job`);
          const mixture = mixStage.at(plan, input.variant);
          const rows = await stages.inputRows(mixture);
          const weights = await deps.weights.resolve(weightsOf(plan.spec), target.revision);
          const { distill } = train;
          const learned = distill === undefined ? rows : rows.filter(({ source }) => source === 'new');
          const mixtureFile = await writeConversations(workspace.path(`${folder}/mixture.jsonl`), learned);
          const asked = rows.filter(({ source }) => source === 'replay');
          const prompts = distill === undefined ? undefined : await writeConversations(workspace.path(`${folder}/prompts.jsonl`), asked);
          const evalMixture = measuresLoss ? await heldOutFile(deps, plan, folder) : null;
          const accelerate = await accelerateFile(deps, plan, folder);
          await checkpoints?.fetchNewer();
          const uploads =
            checkpoints === undefined
              ? undefined
              : new CheckpointUploads({ checkpoints, holdIn: workspace.path(`${folder}/job/uploading`), log: deps.log });
          const result = await untilStored(
            uploads,
            async () =>
              await deps.python.run({
                command: 'sft',
                stop,
                onEvent: (event) => {
                  if (event.type === 'checkpoint') uploads?.offer(event.path);
                  const details = trainHeartbeat(event, input.variant);
                  if (details !== undefined) heartbeat(details);
                },
                spec: {
                  weights: weights.path,
                  revision: target.revision ?? null,
                  mixture: mixtureFile,
                  evalMixture,
                  outputDir,
                  seed,
                  learningRate: train.learningRate,
                  epochs: train.epochs,
                  maxSteps: train.maxSteps ?? null,
                  perDeviceBatchSize: train.perDeviceBatchSize,
                  gradientAccumulation: train.gradientAccumulation,
                  maxLength: train.maxLength,
                  packing: train.packing,
                  scheduler: train.scheduler,
                  warmupRatio: train.warmupRatio,
                  weightDecay: train.weightDecay,
                  dtype: train.dtype,
                  gradientCheckpointing: train.gradientCheckpointing,
                  saveSteps: train.saveSteps,
                  loggingSteps: train.loggingSteps,
                  threads: train.threads ?? null,
                  ...(measuresLoss ? { evalSteps: train.evalSteps } : {}),
                  ...(train.lora === undefined ? {} : { lora: { ...train.lora, targets: train.lora.targets ?? null } }),
                  ...(train.osf === undefined ? {} : { osf: { ...train.osf, targets: train.osf.targets ?? null } }),
                  ...(train.sdft === undefined ? {} : { sdft: train.sdft }),
                  ...(distill === undefined
                    ? {}
                    : {
                        distill: {
                          ...distill,
                          learningRate: distill.learningRate ?? train.learningRate,
                          maxSteps: distill.maxSteps ?? null,
                        },
                        prompts,
                      }),
                  ...(accelerate === undefined ? {} : { accelerate }),
                  ...templateDate(plan),
                  ...(train.thoughts === undefined ? {} : { thoughts: train.thoughts }),
                  ...(train.reportTo === undefined
                    ? {}
                    : { reportTo: train.reportTo, runName: `${input.runId}/${input.variant} (train ${output.address.key})` }),
                },
              }),
          );
          return {
            rows: result.lossCurve.map(({ step, loss, learningRate, gradNorm }) => ({
              step,
              loss,
              learningRate: learningRate ?? null,
              gradNorm: gradNorm ?? null,
            })),
            detail: { ...result, checkpointDir: store.location(`${folder}/${CHECKPOINT_FOLDER}`) },
            files: await storeFiles(deps, folder, CHECKPOINT_FOLDER),
            inputs: [mixture],
          };
        });
        await checkpoints?.clear();
        return trainOutcome(detailOf(training));
      });
    },
  };
}

/** Where the store is a directory, what the trainer saves is in it already. */
function checkpointsInStore(deps: ActivityDeps, { spec }: RunPlan, output: string): TrainingCheckpoints | undefined {
  return deps.workspace.isStore || spec.train.keepCheckpoints === 'host' ? undefined : new TrainingCheckpoints(deps, output);
}

/** A training that is stopped has saved a checkpoint, which the machine that goes on wants; of one that is done, none is needed. */
async function untilStored<T>(uploads: CheckpointUploads | undefined, training: () => Promise<T>): Promise<T> {
  try {
    const result = await training();
    await uploads?.abandon();
    return result;
  } catch (error) {
    await uploads?.finish(LAST_UPLOAD_MS);
    throw error;
  }
}

/** What is held out from every training, as a file for the trainer. */
async function heldOutFile({ stages, workspace }: ActivityDeps, plan: RunPlan, output: string): Promise<string> {
  const rows = await stages.inputRows(holdOutStage.at(plan));
  return await writeConversations(workspace.path(`${output}/held-out.jsonl`), rows);
}

/** The plan's own copy of accelerate's configuration: the file it was read from may be on another machine. */
async function accelerateFile({ workspace }: ActivityDeps, { spec, content }: RunPlan, output: string): Promise<string | undefined> {
  const { accelerate } = spec.train;
  if (accelerate === undefined || content.accelerate === undefined) return undefined;
  return await writeText(workspace.path(`${output}/${basename(accelerate).replace(/\.ya?ml$/, '')}.yaml`), content.accelerate);
}

async function writeText(path: string, text: string): Promise<string> {
  await replaceFile(path, async (temporary) => await writeFile(temporary, text));
  return path;
}

/** A progress event as a heartbeat; other events say nothing new. */
export function trainHeartbeat(event: PythonEvent, variant: string): HeartbeatDetails | undefined {
  if (event.type !== 'progress') return undefined;
  const { loss, tokensPerSecond: rate, etaSeconds: left } = event;
  const note = [
    event.phase,
    typeof loss === 'number' ? `loss ${loss.toFixed(3)}` : '',
    typeof rate === 'number' ? `${Math.round(rate).toLocaleString('en-US')} tokens/s` : '',
    typeof left === 'number' && left > 0 ? `${formatDuration(left * 1000)} left` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
  return { stage: 'train', model: variant, part: 'all', done: event.done, total: event.total, ...NO_CALLS, note };
}
