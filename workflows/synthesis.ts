import { continueAsNew } from '@temporalio/workflow';
import type { SynthesisInput, SynthesisResult } from '../contract/workflows';
import { activitiesOn } from './activities';
import { failFast } from './control/concurrency';
import { untilHandled } from './control/until-handled';
import { synthesizeShard } from './shard';
import { SynthesisRun } from './synthesis-run';

const cpu = activitiesOn('cpu');
const gpu = activitiesOn('gpu');

/**
 * From the target model to the replay set: a sliding window of shards, each a child workflow. Filters compare the instructions
 * of the whole run, so with them the window passes twice: all shards are extracted, then filtered, then what is kept of each is
 * answered.
 */
export async function synthesis(input: SynthesisInput): Promise<SynthesisResult> {
  const run = new SynthesisRun(input);

  /** One lane of the window: one shard after the other. */
  async function lane(): Promise<void> {
    for (;;) {
      await run.budget.ready();
      const shard = run.takeShard();
      if (shard === undefined) return;
      const result = await run.children.run(synthesizeShard, run.shardChild(shard));
      await run.root.report(run.endShard(shard, result));
    }
  }

  const kept = await untilHandled(async () => {
    await failFast(Array.from({ length: input.concurrentShards }, () => lane));
    return run.filterNow === undefined ? undefined : await filter(run, run.filterNow);
  });
  if (kept !== undefined) return await continueAsNew<typeof synthesis>(run.answering(kept));
  if (run.hasShards) return await continueAsNew<typeof synthesis>(run.continued());
  return run.result;
}

/** Filters the instructions of the whole run. Returns how many are kept, by shard. */
async function filter(run: SynthesisRun, { fetchDocuments }: { readonly fetchDocuments: boolean }): Promise<readonly number[]> {
  const { work, root } = run;
  const { runId, plan, instructions } = run.outline;
  await root.report(run.beginFilter());
  if (fetchDocuments) await work.runActivity(gpu.fetchDocuments, 'the questions of the evaluation sets', { runId, plan });
  const { kept } = await work.runActivity(cpu.filterInstructions, `filter ${instructions} instructions`, { runId, plan });
  await root.report(run.endFilter(kept));
  return kept;
}
