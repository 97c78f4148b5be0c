import { continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { grantRequestSignal } from '../contract/budget';
import { drainedSignal, orderSignal } from '../contract/control';
import { progressQuery, waiting } from '../contract/progress';
import type { ShardInput, SynthesisInput, SynthesisResult } from '../contract/workflows';
import { activitiesOn } from './activities';
import { expectedShardCost } from './budget/expected-cost';
import { RunBudget } from './budget/run-budget';
import { ChildWorkflows } from './control/child-workflows';
import { ControlledWork } from './control/controlled-work';
import { tellWhenDrained } from './control/draining';
import { Root } from './control/root';
import { together } from './control/together';
import { untilHandled } from './control/until-handled';
import { answerRows, synthesisRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';
import { synthesizeShard } from './shard';
import { shardId } from './shard-ids';

const cpu = activitiesOn('cpu');
const gpu = activitiesOn('gpu');

/**
 * From the target model to the replay set: a sliding window of shards. Filters compare the instructions of the whole run, so
 * with them the window passes twice: all shards are extracted, then filtered, then what is kept of each is answered.
 */
export async function synthesis(input: SynthesisInput): Promise<SynthesisResult> {
  const { nextShard = 0, totals, kept, treasury, order: given, ...run } = input;
  const phase: ShardInput['phase'] = run.filter === undefined ? undefined : kept === undefined ? 'extract' : 'answer';
  const progress = new ProgressTable(`Synthesis of ${run.instructions} instructions`, totals ?? synthesisRows(run, run.instructions));
  progress.pause(given.pause);
  const children = new ChildWorkflows(given);
  const root = new Root(run.runId);
  const work = new ControlledWork(given, async (request) => await root.requestPause(request));
  let next = nextShard;
  const budget = new RunBudget({ run, phase, root, work, next: () => next, state: treasury });
  const drain = async (): Promise<void> => {
    if (run.served !== undefined) await tellWhenDrained(work, () => work.isIdle && children.isDrained);
  };
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(grantRequestSignal, (request) => budget.request(request));
  setHandler(orderSignal, async (latest) => {
    if (!work.follow(latest)) return;
    progress.pause(latest.pause);
    await Promise.all([children.tell(latest), budget.follow(latest), drain()]);
  });
  setHandler(drainedSignal, (drained) => children.drained(drained));
  void drain(); // it may begin under a pause

  async function lane(): Promise<void> {
    for (;;) {
      await budget.ready();
      if (next >= run.shards || workflowInfo().continueAsNewSuggested) return;
      const shard = next++;
      const size = kept?.[shard] ?? Math.min(run.shardSize, run.instructions - shard * run.shardSize);
      const workflowId = shardId(run.runId, phase, shard);
      const { stages, cost } = await children.run(synthesizeShard, {
        workflowId,
        input: (order) => ({
          ...run,
          shard,
          size,
          order,
          funds: budget.begin(workflowId, expectedShardCost(run.costs, phase, size)),
          ...(phase === undefined ? {} : { phase }),
        }),
        summary: `shard ${shard + 1} of ${run.shards}: ${size} instructions`,
      });
      budget.end(workflowId, cost);
      progress.apply({ mode: 'add', rows: stages });
      await root.report({ mode: 'replace', rows: progress.snapshot(), spent: budget.spent });
    }
  }

  /** Returns how many instructions are kept, by shard. */
  async function filter(fetchDocuments: boolean): Promise<readonly number[]> {
    const { runId, plan, instructions } = run;
    progress.apply({ mode: 'replace', rows: [{ ...waiting('filter', '', instructions), state: 'running' }] });
    await root.report({ mode: 'replace', rows: progress.snapshot() });
    if (fetchDocuments) {
      await work.run(
        async () => await gpu.fetchDocuments.executeWithOptions({ summary: 'the questions of the evaluation sets' }, [{ runId, plan }]),
      );
    }
    const left = await work.run(
      async () => await cpu.filterInstructions.executeWithOptions({ summary: `filter ${instructions} instructions` }, [{ runId, plan }]),
    );
    const answered = left.kept.reduce((sum, count) => sum + count, 0);
    progress.apply({
      mode: 'replace',
      rows: [
        {
          ...waiting('filter', '', instructions),
          done: instructions,
          failed: instructions - answered,
          state: 'done',
          note: `${answered} kept`,
        },
        ...answerRows(run, answered),
      ],
    });
    await root.report({ mode: 'replace', rows: progress.snapshot() });
    return left.kept;
  }

  const left = await untilHandled(async () => {
    await together(Array.from({ length: run.concurrentShards }, () => lane));
    return run.filter !== undefined && phase === 'extract' && next >= run.shards ? await filter(run.filter.fetchDocuments) : undefined;
  });
  const state = { ...run, order: work.order, totals: progress.snapshot(), treasury: budget.snapshot() };
  if (left !== undefined) return await continueAsNew<typeof synthesis>({ ...state, kept: left });
  if (next < run.shards) {
    return await continueAsNew<typeof synthesis>({ ...state, nextShard: next, ...(kept === undefined ? {} : { kept }) });
  }
  const selected = progress.snapshot().find((row) => row.stage === 'select');
  return { stages: progress.snapshot(), replayRows: selected === undefined ? 0 : selected.done - selected.failed };
}
