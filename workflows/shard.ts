import { proxyActivities, setHandler } from '@temporalio/workflow';
import type { CpuActivities, LlmActivities } from '../activities';
import { cpuActivityOptions, llmActivityOptions } from '../config/activity-options';
import { orderSignal } from './control';
import { ControlledWork } from './controlled';
import { untilInputsHold } from './lost-inputs';
import { ProgressTable, progressQuery } from './progress';
import { answerRows, extractRows } from './progress-rows';
import { Root } from './root';
import { together } from './together';
import type { ShardInput, StageProgress } from './types';
import { untilHandled } from './until-handled';

const llm = proxyActivities<LlmActivities>(llmActivityOptions);
const cpu = proxyActivities<CpuActivities>(cpuActivityOptions);

/** One shard of the synthesis: extract, then respond and judge for each generator, then select; or one `phase` of it. */
export async function synthesizeShard(input: ShardInput): Promise<readonly StageProgress[]> {
  const { runId, plan, shard, size, target, generators, judges, samples, order, phase } = input;
  const ref = { runId, plan, shard };
  const responses = size * samples;
  const root = new Root(runId);
  const work = new ControlledWork(order, async (halt) => await root.halt(halt));
  const rows = [...(phase === 'answer' ? [] : extractRows(input, size)), ...(phase === 'extract' ? [] : answerRows(input, size))];
  const progress = new ProgressTable(`Shard ${shard + 1} of ${input.shards}: ${size} instructions`, rows);
  progress.pause(order.pause);
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(orderSignal, (latest) => {
    work.follow(latest);
    progress.pause(work.pause);
  });

  async function extract(): Promise<void> {
    await progress.track({ stage: 'extract', model: target, items: size }, async () =>
      await work.run(async (limits) => await llm.extractShard.executeWithOptions({ summary: `extract ${size} instructions from ${target}` }, [{ ...ref, limits }]), target),
    );
  }

  async function answer(): Promise<void> {
    await together(generators.map((generator) => async () => {
      await progress.track({ stage: 'respond', model: generator, items: responses }, async () =>
        await work.run(async (limits) => await llm.respondShard.executeWithOptions({ summary: `${generator}: ${samples} responses each` }, [{ ...ref, generator, limits }]), generator),
      );
      await together(judges.map((judge) => async () =>
        await progress.track({ stage: 'judge', model: judge, items: responses }, async () =>
          await work.run(async (limits) => await llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}` }, [{ ...ref, generator, judge, limits }]), judge),
        ),
      ));
    }));
    await progress.track({ stage: 'select', model: '', items: size }, async () =>
      await work.run(async () => await cpu.selectShard.executeWithOptions({ summary: `best of ${samples * generators.length} by mean score` }, [ref])),
    );
  }

  async function stages(): Promise<void> {
    if (phase !== 'answer') await extract();
    if (phase !== 'extract') await answer();
  }

  await untilHandled(async () => await untilInputsHold(stages, () => progress.apply({ mode: 'replace', rows })));
  return progress.snapshot();
}
