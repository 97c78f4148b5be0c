import { proxyActivities, setHandler } from '@temporalio/workflow';
import type { CpuActivities, LlmActivities } from '../activities';
import { cpuActivityOptions, llmActivityOptions } from '../config/activity-options';
import { ProgressTable, progressQuery } from './progress';
import { synthesisRows } from './progress-rows';
import type { ShardInput, StageProgress } from './types';

const llm = proxyActivities<LlmActivities>(llmActivityOptions);
const cpu = proxyActivities<CpuActivities>(cpuActivityOptions);

/** One shard of the synthesis: extract, then respond and judge for each generator, then select. */
export async function synthesizeShard(input: ShardInput): Promise<readonly StageProgress[]> {
  const { runId, plan, shard, size, target, generators, judges, samples } = input;
  const ref = { runId, plan, shard };
  const responses = size * samples;
  const progress = new ProgressTable(`Shard ${shard + 1} of ${input.shards}: ${size} instructions`, synthesisRows(input, size));
  setHandler(progressQuery, () => progress.snapshot());

  await progress.track({ stage: 'extract', model: target, items: size }, () =>
    llm.extractShard.executeWithOptions({ summary: `extract ${size} instructions from ${target}` }, [ref]),
  );
  await Promise.all(
    generators.map(async (generator) => {
      await progress.track({ stage: 'respond', model: generator, items: responses }, () =>
        llm.respondShard.executeWithOptions({ summary: `${generator}: ${samples} responses each` }, [{ ...ref, generator }]),
      );
      await Promise.all(
        judges.map((judge) =>
          progress.track({ stage: 'judge', model: judge, items: responses }, () =>
            llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}` }, [{ ...ref, generator, judge }]),
          ),
        ),
      );
    }),
  );
  await progress.track({ stage: 'select', model: '', items: size }, () =>
    cpu.selectShard.executeWithOptions({ summary: `best of ${samples * generators.length} by mean score` }, [ref]),
  );
  return progress.snapshot();
}
