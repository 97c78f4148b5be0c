import { continueAsNew, executeChild, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';
import { ProgressTable, progressQuery, progressSignal } from './progress';
import { synthesisRows } from './progress-rows';
import { synthesizeShard } from './shard';
import type { SynthesisInput, SynthesisResult } from './types';

/** From the target model to the replay set: a sliding window of shards. */
export async function synthesis(input: SynthesisInput): Promise<SynthesisResult> {
  const { nextShard = 0, totals, ...run } = input;
  const progress = new ProgressTable(`Synthesis of ${run.instructions} instructions`, totals ?? synthesisRows(run, run.instructions));
  setHandler(progressQuery, () => progress.snapshot());
  const root = getExternalWorkflowHandle(run.runId);
  let next = nextShard;

  async function lane(): Promise<void> {
    while (next < run.shards && !workflowInfo().continueAsNewSuggested) {
      const shard = next++;
      const size = Math.min(run.shardSize, run.instructions - shard * run.shardSize);
      const rows = await executeChild(synthesizeShard, {
        workflowId: `${run.runId}/shard-${String(shard).padStart(5, '0')}`,
        args: [{ ...run, shard, size }],
        staticSummary: `shard ${shard + 1} of ${run.shards}: ${size} instructions`,
      });
      progress.apply({ mode: 'add', rows });
      await root.signal(progressSignal, { mode: 'replace', rows: progress.snapshot() });
    }
  }

  await Promise.all(Array.from({ length: run.concurrentShards }, lane));
  if (next < run.shards) {
    return await continueAsNew<typeof synthesis>({ ...run, nextShard: next, totals: progress.snapshot() });
  }
  const selected = progress.snapshot().find((row) => row.stage === 'select');
  return { stages: progress.snapshot(), replayRows: selected === undefined ? 0 : selected.done - selected.failed };
}
