import { getExternalWorkflowHandle, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { CpuActivities, GpuActivities } from '../activities';
import { cpuActivityOptions, gpuActivityOptions } from '../config/activity-options';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../config/search-attributes';
import { ProgressTable, progressQuery, progressSignal, waiting } from './progress';
import { variantRows } from './progress-rows';
import type { StageProgress, VariantInput, VariantResult } from './types';

const cpu = proxyActivities<CpuActivities>(cpuActivityOptions);
const gpu = proxyActivities<GpuActivities>(gpuActivityOptions);

/** One row of the paper's table: mix, train, evaluate. The official model is only evaluated. */
export async function variant(input: VariantInput): Promise<VariantResult> {
  const { runId, plan, variant: name } = input;
  const ref = { runId, plan, variant: name };
  const progress = new ProgressTable(`Variant ${name}`, variantRows(input, name));
  setHandler(progressQuery, () => progress.snapshot());
  const root = getExternalWorkflowHandle(runId);

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
    if (current !== undefined) await root.signal(progressSignal, { mode: 'replace', rows: [current] });
  }

  let trained: Pick<VariantResult, 'examples' | 'steps' | 'checkpoint'> = {};
  if (name !== 'official') {
    await enter('mix');
    const mixture = await cpu.mixVariant.executeWithOptions({ summary: 'replay set + new data' }, [ref]);
    await book({ ...waiting('mix', name, 0), done: 1, note: `${mixture.replay} replay + ${mixture.new} new` });

    await enter('train');
    const training = await gpu.trainVariant.executeWithOptions({ summary: `SFT of ${input.target}` }, [ref]);
    await book({ ...waiting('train', name, 0), done: input.trainSteps ?? 1, note: `${training.steps} steps, last loss ${training.lastLoss?.toFixed(3) ?? 'unknown'}` });
    trained = { examples: mixture.replay + mixture.new, steps: training.steps, checkpoint: training.checkpoint };
  }

  await enter('evaluate');
  const evaluation = await gpu.evaluateVariant.executeWithOptions({ summary: `${input.tasks.join(', ')} of ${name}` }, [ref]);
  await book({ ...waiting('evaluate', name, 0), done: input.tasks.length, note: `average ${evaluation.average.toFixed(1)}` });
  return { variant: name, ...trained, scores: evaluation.scores, average: evaluation.average };
}
