import { executeChild, ParentClosePolicy, proxyActivities, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { CpuActivities, LlmActivities } from '../activities';
import { cpuActivityOptions, llmActivityOptions } from '../config/activity-options';
import { VARIANTS, type VariantName } from '../config/variants';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../config/search-attributes';
import type { RunSpecInput } from '../config/spec';
import { ProgressTable, progressQuery, progressSignal, waiting } from './progress';
import { synthesisRows, variantRows } from './progress-rows';
import { synthesis } from './synthesis';
import type { ExperimentResult, RunOutline, VariantResult } from './types';
import { variant } from './variant';

const cpu = proxyActivities<CpuActivities>(cpuActivityOptions);
const llm = proxyActivities<LlmActivities>(llmActivityOptions);

/** The whole method, from a run spec to the report. The workflow id is the run id. */
export async function experiment(spec: RunSpecInput): Promise<ExperimentResult> {
  const runId = workflowInfo().workflowId;
  let progress: ProgressTable | undefined;
  setHandler(progressQuery, () => progress?.snapshot() ?? []);
  setHandler(progressSignal, (update) => {
    progress?.apply(update);
    const running = update.rows.find((row) => row.state === 'running' && row.stage !== 'select');
    if (running !== undefined) upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: running.stage }]);
  });
  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'prepare' }]);
  const run = await cpu.prepareRun.executeWithOptions({ summary: 'check the spec, plan the stages' }, [{ runId, spec }]);
  await llm.checkKeys.executeWithOptions({ summary: 'are all API keys there?' }, [run]);

  progress = new ProgressTable(`Run ${runId}: ${run.instructions} instructions from ${run.target}`, [
    ...synthesisRows(run, run.instructions),
    ...VARIANTS.flatMap((name) => variantRows(run, name)),
    waiting('report', '', 1),
  ]);
  upsertSearchAttributes([
    { key: STAGE_ATTRIBUTE, value: 'extract' },
    { key: TARGET_MODEL_ATTRIBUTE, value: run.target },
  ]);

  const { stages, replayRows } = await executeChild(synthesis, {
    workflowId: `${runId}/synthesis`,
    args: [run],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${run.instructions} instructions, ${run.generators.length} generators, ${run.judges.length} judges`,
  });
  // Signals of concurrent shards may arrive out of order; the result is the last word.
  progress.apply({ mode: 'replace', rows: stages });

  // Each variant to its end: one that fails does not sink the other.
  const ends = await Promise.allSettled(VARIANTS.map((name) => runVariant(run, name)));
  const variants = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });

  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'report' }]);
  const { report } = await cpu.writeReport.executeWithOptions({ summary: 'HTML and Markdown' }, [run]);
  progress.apply({ mode: 'add', rows: [{ ...waiting('report', '', 0), done: 1 }] });
  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'done' }]);
  return { runId, replayRows, variants, report };
}

async function runVariant(run: RunOutline, name: VariantName): Promise<VariantResult> {
  return await executeChild(variant, {
    workflowId: `${run.runId}/variant-${name}`,
    args: [{ ...run, variant: name }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: name === 'official' ? 'the target model as it is' : 'our replay set',
  });
}
