import { continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { orderSignal } from './control';
import { Offspring } from './offspring';
import { ProgressTable, progressQuery } from './progress';
import { synthesisRows } from './progress-rows';
import { Root } from './root';
import { synthesizeShard } from './shard';
import { together } from './together';
import type { SynthesisInput, SynthesisResult } from './types';
import { untilHandled } from './until-handled';

/** From the target model to the replay set: a sliding window of shards. */
export async function synthesis(input: SynthesisInput): Promise<SynthesisResult> {
  const { nextShard = 0, totals, order: given, ...run } = input;
  let order = given;
  const progress = new ProgressTable(`Synthesis of ${run.instructions} instructions`, totals ?? synthesisRows(run, run.instructions));
  progress.pause(order.pause);
  const offspring = new Offspring(order);
  const root = new Root(run.runId);
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(orderSignal, async (latest) => {
    if (latest.revision <= order.revision) return;
    order = latest;
    progress.pause(order.pause);
    await offspring.tell(order);
  });
  let next = nextShard;

  async function lane(): Promise<void> {
    while (next < run.shards && !workflowInfo().continueAsNewSuggested) {
      const shard = next++;
      const size = Math.min(run.shardSize, run.instructions - shard * run.shardSize);
      const rows = await offspring.run(synthesizeShard, {
        workflowId: `${run.runId}/shard-${String(shard).padStart(5, '0')}`,
        input: (current) => ({ ...run, shard, size, order: current }),
        summary: `shard ${shard + 1} of ${run.shards}: ${size} instructions`,
      });
      progress.apply({ mode: 'add', rows });
      await root.report({ mode: 'replace', rows: progress.snapshot() });
    }
  }

  await untilHandled(async () => await together(Array.from({ length: run.concurrentShards }, () => lane)));
  if (next < run.shards) {
    return await continueAsNew<typeof synthesis>({ ...run, order, nextShard: next, totals: progress.snapshot() });
  }
  const selected = progress.snapshot().find((row) => row.stage === 'select');
  return { stages: progress.snapshot(), replayRows: selected === undefined ? 0 : selected.done - selected.failed };
}
