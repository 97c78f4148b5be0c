import type { EvaluateOutcome } from '../contract/outcomes';
import { evaluationRow, HELD_OUT } from '../contract/progress';
import { lossesNote, mixtureNote, replaySetNote, taskNote, trainingNote } from '../contract/progress-notes';
import type { EvaluatedModel, VariantOutline, VariantResult } from '../contract/run';
import type { VariantInput } from '../contract/workflows';
import { activitiesOn } from './activities';
import { settleAll } from './control/concurrency';
import { untilHandled } from './control/until-handled';
import { trainItems } from './progress/progress-rows';
import { loadsReplaySet } from './replay-sets';
import { train } from './training';
import { VariantRun } from './variant-run';

const cpu = activitiesOn('cpu');
const gpu = activitiesOn('gpu');

/** One row of the paper's table: mix, train, evaluate. The official model is only evaluated. */
export async function variant(input: VariantInput): Promise<VariantResult> {
  const run = new VariantRun(input);
  return await untilHandled(async () => {
    const { name, replay } = input.variant;
    if (replay !== null && input.until === 'replay') {
      await loadReplaySet(run, replay);
      return { variant: name, scores: {} };
    }
    if (replay !== null && input.until === 'mixture') return { variant: name, examples: await mix(run, replay), scores: {} };
    const trained = replay === null ? {} : replay === 'interpolate' ? await interpolate(run) : await mixAndTrain(run, replay);
    const { scores, average, losses } = await evaluate(run);
    return { variant: name, ...trained, scores, average, ...(losses === undefined ? {} : { losses }) };
  });
}

type Trained = Pick<VariantResult, 'examples' | 'steps' | 'checkpoint'>;

/** Returns the examples of the mixture. */
async function mix(run: VariantRun, replay: NonNullable<VariantOutline['replay']>): Promise<number> {
  const { work, ref } = run;
  await loadReplaySet(run, replay);
  await run.begin('mix');
  const mixture = await work.runActivity(cpu.mixVariant, 'replay set + new data', ref);
  await run.end({ stage: 'mix' }, mixtureNote(mixture));
  return mixture.replay + mixture.new;
}

async function loadReplaySet(run: VariantRun, replay: NonNullable<VariantOutline['replay']>): Promise<void> {
  if (!loadsReplaySet(replay)) return;
  const { work, ref } = run;
  await run.begin('replay');
  const set = await work.runActivity(cpu.loadReplaySet, `replay set of ${ref.variant}`, ref);
  await run.end({ stage: 'replay' }, replaySetNote(set));
}

async function mixAndTrain(run: VariantRun, replay: NonNullable<VariantOutline['replay']>): Promise<Trained> {
  const examples = await mix(run, replay);
  await run.begin('train');
  const training = await train(run);
  await run.end({ stage: 'train', items: trainItems(run.input, run.input.variant) }, trainingNote(training));
  return { examples, steps: training.steps, checkpoint: training.checkpoint };
}

/** No training of its own: the weights lie between the official model and those of a variant that is trained already. */
async function interpolate(run: VariantRun): Promise<Trained> {
  await run.begin('train');
  const { checkpoint } = await run.work.runActivity(gpu.interpolateVariant, `weights between the official ones and a trained row`, run.ref);
  await run.end({ stage: 'train' }, 'interpolated');
  return { steps: 0, checkpoint };
}

/** The tasks of a model run at once, and the losses on what was held out: one that fails does not end the others. */
async function evaluate(run: VariantRun): Promise<EvaluateOutcome> {
  const { work, ref, input } = run;
  await run.begin('evaluate');
  const model = await work.runActivity(gpu.identifyModel, `what is ${ref.variant} by its content?`, ref);
  await settleAll([
    ...input.tasks.map((task) => async () => await evaluateTask(run, model, task)),
    ...(input.holdOut === undefined ? [] : [async () => await measureLosses(run, model)]),
  ]);
  return await work.runActivity(cpu.collectEvaluation, `scores of ${ref.variant}`, { ...ref, model });
}

async function evaluateTask(run: VariantRun, model: EvaluatedModel, task: string): Promise<void> {
  const { work, ref } = run;
  const outcome = await work.runActivity(gpu.evaluateTask, `${task} of ${ref.variant}`, { ...ref, task, model });
  await run.end({ stage: 'evaluate', model: evaluationRow(ref.variant, task), items: outcome.documents }, taskNote(outcome));
}

async function measureLosses(run: VariantRun, model: EvaluatedModel): Promise<void> {
  const { work, ref } = run;
  const losses = await work.runActivity(gpu.measureLosses, `loss of ${ref.variant} on what was held out`, { ...ref, model });
  await run.end({ stage: 'evaluate', model: evaluationRow(ref.variant, HELD_OUT) }, lossesNote(losses));
}
