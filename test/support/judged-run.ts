import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createHoldOutActivities } from '../../activities/hold-out';
import { createMixActivities } from '../../activities/mix';
import { createReplaySetActivities } from '../../activities/replay-set';
import { createSelectActivities } from '../../activities/select';
import { instructionId, judgmentId, responseId } from '../../method/ids';
import type { Conversation, FinishReason, Judgment, Response } from '../../method/records';
import type { TruncatedRule } from '../../method/selection';
import { createPythonJobs } from '../../services/python/python-jobs';
import { contentIdentities } from '../../services/runs/content-identities';
import { noCalls } from '../../services/store/stage-store';
import { stageKeys } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { judgeStage } from '../../stages/judge';
import type { MixtureDetail } from '../../stages/mix';
import { partition } from '../../stages/planned';
import { replayStage } from '../../stages/replay';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { smallSpec } from './small-spec';
import { testDeps } from './temporal';

const MODELS = ['target', 'other'] as const;
const SAMPLES = [0, 1] as const;
const common = { seed: 1, attempts: 1, usage: null };
const fixed = { failures: [], stats: noCalls('2026-11-03T09:00:00Z'), inputs: [] };

/** Of every fourth instruction all responses are cut, of the others the target's first, which has the best scores. */
function endOf(index: number, model: string, sample: number): FinishReason {
  return index % 4 === 0 || (model === 'target' && sample === 0) ? 'length' : 'stop';
}

/** Which of a model's responses were thought about. */
export function thoughtOf(index: number, model: string, sample: number): string | undefined {
  return index % 2 === 0 ? `Thought ${sample} of ${model}` : undefined;
}

export interface JudgedRunOptions {
  /** For all that it writes. */
  readonly folder: string;
  readonly truncated: TruncatedRule;
  readonly thoughts?: 'drop' | 'keep';
  /** File for `mix.exclude`. */
  readonly exclude?: string;
  /** Whether the ablations' mixtures are made too; with cut answers dropped, one of them has no replay set. */
  readonly mixesAblations?: true;
}

/** A store with judged responses to eight instructions, after which all stages up to the mixture have run. */
export async function judgedRun({ folder, truncated, thoughts, exclude, mixesAblations }: JudgedRunOptions) {
  const deps = testDeps({
    python: createPythonJobs({ environment: async () => await Promise.reject(new Error('nothing here needs Python')) }),
    root: join(folder, `store-${truncated}-${thoughts ?? 'drop'}`),
  });
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.variants = ['method', 'first-response', 'target-best'];
    input.synthesis.select = { truncated };
    input.mix!.holdOut = { replay: 2 };
    if (exclude !== undefined) input.mix!.exclude = exclude;
    if (thoughts !== undefined) input.train = { ...input.train, thoughts };
  });
  const content = await contentIdentities(spec, deps.weights);
  const plan: RunPlan = {
    spec,
    content,
    keys: stageKeys(spec, content),
    shards: partition(spec.synthesis.extract.instructions, spec.synthesis.shardSize),
  };
  for (const shard of plan.shards) {
    const indexes = Array.from({ length: shard.end - shard.start }, (_, offset) => shard.start + offset);
    const instructions = indexes.map((index) => ({
      id: instructionId(index),
      text: `Question ${index}?`,
      model: 'target',
      finishReason: 'stop' as const,
      ...common,
    }));
    await deps.stages.commit(extractStage.at(plan, shard), { rows: instructions, ...fixed });
    for (const model of MODELS) {
      const responses = indexes.flatMap((index) =>
        SAMPLES.map((sample): Response => ({
          id: responseId(instructionId(index), model, sample),
          instructionId: instructionId(index),
          model,
          sample,
          text: `Answer ${sample} of ${model}`,
          ...(thoughtOf(index, model, sample) === undefined ? {} : { reasoning: thoughtOf(index, model, sample)! }),
          finishReason: endOf(index, model, sample),
          ...common,
        })),
      );
      await deps.stages.commit(respondStage.at(plan, shard, model), { rows: responses, ...fixed });
      for (const judge of MODELS) {
        const rows = responses.map(({ id, instructionId: of, sample }): Judgment => ({
          id: judgmentId(id, judge),
          responseId: id,
          instructionId: of,
          judge,
          score: (model === 'target' ? 4 : 2) + (sample === 0 ? 1 : 0),
          scoredBy: 'text',
          raw: 'Score',
          ...common,
        }));
        await deps.stages.commit(judgeStage.at(plan, shard, judge, model), { rows, ...fixed });
      }
    }
  }
  const ref = { runId: 'run', plan: await deps.plans.save(plan) };
  const run = async (body: () => Promise<unknown>): Promise<unknown> => await new MockActivityEnvironment().run(body);
  for (const { index: shard } of plan.shards) await run(async () => await createSelectActivities(deps).selectShard({ ...ref, shard }));
  await run(async () => await createHoldOutActivities(deps).holdOut(ref));
  for (const variant of ['first-response', 'target-best']) {
    await run(async () => await createReplaySetActivities(deps).loadReplaySet({ ...ref, variant }));
  }
  for (const variant of mixesAblations === true ? ['first-response', 'target-best'] : []) {
    await run(async () => await createMixActivities(deps).mixVariant({ ...ref, variant }));
  }
  const detail = (await run(async () => await createMixActivities(deps).mixVariant({ ...ref, variant: 'method' }))) as MixtureDetail;
  return { deps, plan, detail };
}

export type JudgedRun = Awaited<ReturnType<typeof judgedRun>>;

export async function replaySet({ deps, plan }: JudgedRun, variant: string): Promise<Conversation[]> {
  return await deps.stages.readRows((await deps.stages.latest(replayStage.at(plan, variant)))!);
}
