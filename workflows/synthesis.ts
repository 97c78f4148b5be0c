import { continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { askSignal } from '../contract/budget';
import { drainedSignal, orderSignal } from '../contract/control';
import { progressQuery, waiting } from '../contract/progress';
import type { ShardInput, SynthesisInput, SynthesisResult } from '../contract/workflows';
import { activitiesOn } from './activities';
import { BudgetKeeper } from './budget/budget-keeper';
import { expectedCost, shardId } from './budget/shard-ids';
import { Offspring } from './control/child-workflows';
import { ControlledWork } from './control/controlled-work';
import { tellWhenDrained } from './control/draining';
import { Root } from './control/root';
import { together } from './control/together';
import { untilHandled } from './control/until-handled';
import { answerRows, synthesisRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';
import { synthesizeShard } from './shard';

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
  const offspring = new Offspring(given);
  const root = new Root(run.runId);
  const work = new ControlledWork(given, async (halt) => await root.halt(halt));
  let next = nextShard;
  const keeper = new BudgetKeeper({ run, phase, root, work, next: () => next, state: treasury });
  const drain = async (): Promise<void> => {
    if (run.served !== undefined) await tellWhenDrained(work, () => work.isIdle && offspring.isDrained);
  };
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(askSignal, (ask) => keeper.ask(ask));
  setHandler(orderSignal, async (latest) => {
    if (!work.follow(latest)) return;
    progress.pause(latest.pause);
    await Promise.all([offspring.tell(latest), keeper.follow(latest), drain()]);
  });
  setHandler(drainedSignal, (drained) => offspring.drained(drained));
  void drain(); // it may begin under a pause

  async function lane(): Promise<void> {
    for (;;) {
      await keeper.ready();
      if (next >= run.shards || workflowInfo().continueAsNewSuggested) return;
      const shard = next++;
      const size = kept?.[shard] ?? Math.min(run.shardSize, run.instructions - shard * run.shardSize);
      const workflowId = shardId(run.runId, phase, shard);
      const { stages, cost } = await offspring.run(synthesizeShard, {
        workflowId,
        input: (order) => ({
          ...run,
          shard,
          size,
          order,
          funds: keeper.begin(workflowId, expectedCost(run.costs, phase, size)),
          ...(phase === undefined ? {} : { phase }),
        }),
        summary: `shard ${shard + 1} of ${run.shards}: ${size} instructions`,
      });
      keeper.end(workflowId, cost);
      progress.apply({ mode: 'add', rows: stages });
      await root.report({ mode: 'replace', rows: progress.snapshot(), spent: keeper.spent });
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
  const state = { ...run, order: work.order, totals: progress.snapshot(), treasury: keeper.snapshot() };
  if (left !== undefined) return await continueAsNew<typeof synthesis>({ ...state, kept: left });
  if (next < run.shards) {
    return await continueAsNew<typeof synthesis>({ ...state, nextShard: next, ...(kept === undefined ? {} : { kept }) });
  }
  const selected = progress.snapshot().find((row) => row.stage === 'select');
  return { stages: progress.snapshot(), replayRows: selected === undefined ? 0 : selected.done - selected.failed };
}
