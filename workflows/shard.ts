import { setHandler } from '@temporalio/workflow';
import type { BatchLimits, BatchOutcome } from '../contract/batches';
import { shardGrantSignal } from '../contract/budget';
import { orderSignal } from '../contract/control';
import { progressQuery } from '../contract/progress';
import type { ShardInput, ShardResult } from '../contract/workflows';
import { type Cost, NO_COST, timesCost } from '../method/cost';
import { activitiesOn } from './activities';
import { requestGrant } from './budget/grant-messages';
import { ShardBudget } from './budget/shard-budget';
import { ControlledWork } from './control/controlled-work';
import { tellWhenDrained } from './control/draining';
import { untilInputsHold } from './control/lost-inputs';
import { Root } from './control/root';
import { together } from './control/together';
import { untilHandled } from './control/until-handled';
import { answerRows, extractRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';

const llm = activitiesOn('llm');
const cpu = activitiesOn('cpu');

/** One shard of the synthesis: extract, then respond and judge for each generator, then select; or one `phase` of it. */
export async function synthesizeShard(input: ShardInput): Promise<ShardResult> {
  const { runId, plan, shard, size, target, generators, judges, samples, order, phase, costs, served } = input;
  const ref = { runId, plan, shard };
  const responses = size * samples;
  const root = new Root(runId);
  const work = new ControlledWork(order, async (request) => await root.requestPause(request));
  const budget = new ShardBudget(order.budget, input.funds, requestGrant);
  const rows = [...(phase === 'answer' ? [] : extractRows(input, size)), ...(phase === 'extract' ? [] : answerRows(input, size))];
  const progress = new ProgressTable(`Shard ${shard + 1} of ${input.shards}: ${size} instructions`, rows);
  progress.pause(order.pause);
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(shardGrantSignal, (grant) => budget.receive(grant));
  const drain = async (): Promise<void> => {
    if (served !== undefined) await tellWhenDrained(work, () => work.isIdle);
  };
  setHandler(orderSignal, async (latest) => {
    const before = work.order.budget;
    if (!work.follow(latest)) return;
    budget.follow(before, latest.budget);
    progress.pause(latest.pause);
    await drain();
  });
  void drain(); // it may begin under a pause

  /** A batch of model calls, under the limits of its model and within its part of the budget. */
  async function batch(
    model: string,
    id: string,
    each: Cost | undefined,
    activity: (given: BatchLimits) => Promise<BatchOutcome>,
  ): Promise<BatchOutcome> {
    return await budget.run(
      id,
      timesCost(each ?? NO_COST, size),
      async (allowance) =>
        await work.run(
          async (limits, baseURL) => await activity({ limits, allowance: allowance(), ...(baseURL === undefined ? {} : { baseURL }) }),
          { model },
        ),
    );
  }

  async function extract(): Promise<void> {
    await progress.track(
      { stage: 'extract', model: target, items: size },
      async () =>
        await batch(
          target,
          'extract',
          costs.extract,
          async (given) =>
            await llm.extractShard.executeWithOptions({ summary: `extract ${size} instructions from ${target}` }, [{ ...ref, ...given }]),
        ),
    );
  }

  async function answer(): Promise<void> {
    await together(
      generators.map((generator) => async () => {
        await progress.track(
          { stage: 'respond', model: generator, items: responses },
          async () =>
            await batch(
              generator,
              `respond ${generator}`,
              costs.respond[generator],
              async (given) =>
                await llm.respondShard.executeWithOptions({ summary: `${generator}: ${samples} responses each` }, [
                  { ...ref, generator, ...given },
                ]),
            ),
        );
        await together(
          judges.map(
            (judge) => async () =>
              await progress.track(
                { stage: 'judge', model: judge, items: responses },
                async () =>
                  await batch(
                    judge,
                    `judge ${judge}/${generator}`,
                    costs.judge[`${judge}/${generator}`],
                    async (given) =>
                      await llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}` }, [
                        { ...ref, generator, judge, ...given },
                      ]),
                  ),
              ),
          ),
        );
      }),
    );
    await progress.track(
      { stage: 'select', model: '', items: size },
      async () =>
        await work.run(
          async () => await cpu.selectShard.executeWithOptions({ summary: `best of ${samples * generators.length} by mean score` }, [ref]),
        ),
    );
  }

  async function stages(): Promise<void> {
    if (phase !== 'answer') await extract();
    if (phase !== 'extract') await answer();
  }

  await untilHandled(async () => await untilInputsHold(stages, () => progress.apply({ mode: 'replace', rows })));
  return { stages: progress.snapshot(), cost: budget.spent };
}
