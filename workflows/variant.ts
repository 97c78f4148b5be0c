import { proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { CpuActivities, GpuActivities } from '../activities';
import { cpuActivityOptions, gpuActivityOptions } from '../config/activity-options';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../config/search-attributes';
import { orderSignal } from './control';
import { ControlledWork } from './controlled';
import { fineTune } from './fine-tuning';
import { ProgressTable, progressQuery, waiting } from './progress';
import { variantRows } from './progress-rows';
import { Root } from './root';
import type { StageProgress, VariantInput, VariantResult } from './types';
import { untilHandled } from './until-handled';

const cpu = proxyActivities<CpuActivities>(cpuActivityOptions);
const gpu = proxyActivities<GpuActivities>(gpuActivityOptions);

/** One row of the paper's table: mix, train, evaluate. The official model is only evaluated. */
export async function variant(input: VariantInput): Promise<VariantResult> {
  const root = new Root(input.runId);
  const work = new ControlledWork(input.order, async (halt) => await root.halt(halt));
  const progress = new ProgressTable(`Variant ${input.variant.name}`, variantRows(input, input.variant));
  progress.pause(input.order.pause);
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(orderSignal, (latest) => {
    work.follow(latest);
    progress.pause(work.order.pause);
  });
  return await untilHandled(async () => await stages(input, { root, work, progress }));
}

interface Means {
  readonly root: Root;
  readonly work: ControlledWork;
  readonly progress: ProgressTable;
}

async function stages(input: VariantInput, { root, work, progress }: Means): Promise<VariantResult> {
  const { runId, plan, variant: { name, replay } } = input;
  const ref = { runId, plan, variant: name };

  async function enter(stage: string): Promise<void> {
    upsertSearchAttributes([
      { key: STAGE_ATTRIBUTE, value: stage },
      { key: TARGET_MODEL_ATTRIBUTE, value: input.target },
    ]);
    await book({ ...waiting(stage, name, 0), state: 'running' });
  }

  async function book(row: StageProgress): Promise<void> {
    progress.apply({ mode: 'add', rows: [row] });
    const current = progress.snapshot().find(({ stage }) => stage === row.stage);
    if (current !== undefined) await root.report({ mode: 'replace', rows: [current] });
  }

  let trained: Pick<VariantResult, 'examples' | 'steps' | 'checkpoint'> = {};
  if (replay !== null) {
    if (replay !== 'method' && replay !== 'none') {
      await enter('replay');
      const set = await work.run(async () => await cpu.loadReplaySet.executeWithOptions({ summary: `replay set of ${name}` }, [ref]));
      await book({ ...waiting('replay', name, 0), done: 1, note: `${set.rows} conversations` });
    }
    await enter('mix');
    const mixture = await work.run(async () => await cpu.mixVariant.executeWithOptions({ summary: 'replay set + new data' }, [ref]));
    await book({ ...waiting('mix', name, 0), done: 1, note: `${mixture.replay} replay + ${mixture.new} new` });

    await enter('train');
    const training = input.fineTuning === true ? await fineTune(work, ref) : await work.run(async () => await gpu.trainVariant.executeWithOptions({ summary: `SFT of ${input.target}` }, [ref]));
    await book({ ...waiting('train', name, 0), done: input.trainSteps ?? 1, note: `${training.steps} steps, last loss ${training.lastLoss?.toFixed(3) ?? 'unknown'}` });
    trained = { examples: mixture.replay + mixture.new, steps: training.steps, checkpoint: training.checkpoint };
  }

  await enter('evaluate');
  const evaluation = await work.run(async () => await gpu.evaluateVariant.executeWithOptions({ summary: `${input.tasks.join(', ')} of ${name}` }, [ref]));
  await book({ ...waiting('evaluate', name, 0), done: input.tasks.length, note: `average ${evaluation.average.toFixed(1)}` });
  return { variant: name, ...trained, scores: evaluation.scores, average: evaluation.average, ...(evaluation.losses === undefined ? {} : { losses: evaluation.losses }) };
}
