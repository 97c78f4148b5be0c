import type { ActivityDeps } from '../../activities/deps';
import type { RunSpecInput } from '../../config/spec';
import { instructionId } from '../../method/ids';
import { contentIdentities } from '../../services/runs/content-identities';
import { noCalls } from '../../services/store/stage-store';
import { stageKeys } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { partition } from '../../stages/planned';
import { type RunPlan } from '../../stages/run-plan';
import { smallSpec } from './small-spec';

export type Quality = NonNullable<RunSpecInput['synthesis']['quality']>;

/** A stored plan with filters, for activities that are tested without a workflow. */
export async function planWithFilters(
  deps: ActivityDeps,
  quality: Quality,
  {
    instructions,
    shardSize,
    change = () => undefined,
  }: { readonly instructions: number; readonly shardSize: number; readonly change?: (spec: RunSpecInput) => void },
): Promise<{ readonly plan: RunPlan; readonly hash: string }> {
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.synthesis.extract.instructions = instructions;
    input.synthesis.shardSize = shardSize;
    input.synthesis.quality = quality;
    change(input);
  });
  const content = await contentIdentities(spec, deps.weights);
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(instructions, shardSize) };
  return { plan, hash: await deps.plans.save(plan) };
}

/** Stores the extraction of a plan: these texts, `null` for a lost one. */
export async function writeExtraction(deps: ActivityDeps, plan: RunPlan, textOf: (index: number) => string | null): Promise<void> {
  for (const shard of plan.shards) {
    const indexes = Array.from({ length: shard.end - shard.start }, (_, offset) => shard.start + offset);
    const rows = indexes.flatMap((index) => {
      const text = textOf(index);
      return text === null
        ? []
        : [{ id: instructionId(index), text, model: 'target', finishReason: 'stop' as const, seed: index, attempts: 1, usage: null }];
    });
    const failures = indexes
      .filter((index) => textOf(index) === null)
      .map((index) => ({ stage: 'extract' as const, id: instructionId(index), model: 'target', reason: 'empty', attempts: 3 }));
    await deps.stages.commit(extractStage.at(plan, shard), { rows, failures, stats: noCalls(new Date().toISOString()), inputs: [] });
  }
}
