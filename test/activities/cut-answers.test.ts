import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createHoldOutActivities } from '../../activities/hold-out';
import { createMixActivities } from '../../activities/mix';
import { createReplaySetActivities } from '../../activities/replay-set';
import { createSelectActivities } from '../../activities/select';
import { instructionId, judgmentId, responseId } from '../../method/ids';
import type { Conversation, FinishReason, Judgment, Response } from '../../method/records';
import type { TruncatedRule } from '../../method/selection';
import { writeConversations } from '../../services/data/conversations';
import { createPythonJobs } from '../../services/python/python-jobs';
import { contentIdentities } from '../../services/runs/content-identities';
import { noCalls } from '../../services/store/stage-store';
import { stageKeys } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { holdOutStage } from '../../stages/hold-out';
import { judgeStage } from '../../stages/judge';
import { type MixtureDetail, mixStage } from '../../stages/mix';
import { partition } from '../../stages/planned';
import { replayStage } from '../../stages/replay';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

const temp = useTempFolder();
const MODELS = ['target', 'other'] as const;
const SAMPLES = [0, 1] as const;
const common = { seed: 1, attempts: 1, usage: null };
const fixed = { failures: [], stats: noCalls('2026-11-03T09:00:00Z'), inputs: [] };

/** Of every fourth instruction all responses are cut, of the others the target's first, which has the best scores. */
function endOf(index: number, model: string, sample: number): FinishReason {
  return index % 4 === 0 || (model === 'target' && sample === 0) ? 'length' : 'stop';
}

/** A store with judged responses to eight instructions, and the stages after them to be run. */
async function judgedRun(truncated: TruncatedRule) {
  const deps = testDeps({
    python: createPythonJobs({ environment: async () => await Promise.reject(new Error('nothing here needs Python')) }),
    root: join(temp(), `store-${truncated}`),
  });
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.variants = ['method', 'first-response', 'target-best'];
    input.synthesis.select = { truncated };
    input.mix!.holdOut = { replay: 2 };
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
  const detail = (await run(async () => await createMixActivities(deps).mixVariant({ ...ref, variant: 'method' }))) as MixtureDetail;
  return { deps, plan, detail };
}

type Run = Awaited<ReturnType<typeof judgedRun>>;

async function replaySet({ deps, plan }: Run, variant: string): Promise<Conversation[]> {
  return await deps.stages.readRows((await deps.stages.latest(replayStage.at(plan, variant)))!);
}

async function winners({ deps, plan }: Run): Promise<string[]> {
  const parts = plan.shards.map(async (shard) => await deps.stages.readRows((await deps.stages.latest(selectStage.at(plan, shard)))!));
  return (await Promise.all(parts)).flat().map(({ responseId: id, finishReason }) => `${id} ${String(finishReason)}`);
}

const indexOf = ({ id }: Pick<Conversation, 'id'>): number => Number(/i(\d{7})/.exec(id)![1]);

test('by default a cut answer is kept only where no whole one is, and is marked in what is trained on and what is held out', async () => {
  const run = await judgedRun('last');
  expect(await winners(run)).toEqual(
    Array.from({ length: 8 }, (_, index) =>
      index % 4 === 0 ? `${instructionId(index)}:target:0 length` : `${instructionId(index)}:target:1 stop`,
    ),
  );

  const mixture = await run.deps.stages.readRows((await run.deps.stages.latest(mixStage.at(run.plan, 'method')))!);
  const heldOut = await run.deps.stages.readRows((await run.deps.stages.latest(holdOutStage.at(run.plan)))!);
  const [replay, own] = (['replay', 'own'] as const).map((name) => heldOut.filter(({ set }) => set === name));
  const trained = mixture.filter(({ source }) => source === 'replay');
  for (const row of [...trained, ...replay!]) expect(row.cut ?? false).toBe(indexOf(row) % 4 === 0);
  expect(own!.map(({ cut }) => cut)).toEqual([true, true]); // the target's first answers are cut, all of them
  expect(run.detail.cut).toBe(trained.filter(({ cut }) => cut).length);
  expect([...trained, ...replay!].some(({ cut }) => cut)).toBe(true);

  const file = await writeConversations(join(temp(), 'mixture.jsonl'), mixture);
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Conversation);
  expect(lines.map(({ cut }) => cut)).toEqual(mixture.map(({ cut }) => cut));
});

test("the ablations mark cut answers too: the first response as it came, the target's best by the same rule", async () => {
  const run = await judgedRun('last');
  expect((await replaySet(run, 'first-response')).map(({ cut }) => cut)).toEqual(new Array(8).fill(true));
  for (const row of await replaySet(run, 'target-best')) expect(row.cut ?? false).toBe(indexOf(row) % 4 === 0);
});

test('where the spec leaves cut answers out, no replay set has one', async () => {
  const run = await judgedRun('drop');
  expect((await winners(run)).map((winner) => winner.split(' ')[1])).toEqual(new Array(6).fill('stop'));
  expect(await replaySet(run, 'first-response')).toEqual([]);
  expect((await replaySet(run, 'target-best')).map(indexOf)).toEqual([1, 2, 3, 5, 6, 7]);
  expect(run.detail.cut).toBe(0);
});

test('where the spec lets scores alone decide, the best score wins though it was cut', async () => {
  expect(await winners(await judgedRun('keep'))).toEqual(
    Array.from({ length: 8 }, (_, index) => `${instructionId(index)}:target:0 length`),
  );
});
