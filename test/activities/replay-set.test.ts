import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { mixtureBase } from '../../activities/mixture-base';
import { createReplaySetActivities } from '../../activities/replay-set';
import type { RunSpecInput } from '../../config/spec';
import type { ReplayRow } from '../../method/records';
import { ensurePython } from '../../services/local/python-environment';
import { createPythonJobs } from '../../services/python/python-jobs';
import { contentIdentities } from '../../services/runs/content-identities';
import { noCalls } from '../../services/store/stage-store';
import { detailOf } from '../../services/store/stored-output';
import { stageKeys } from '../../stages/chain';
import { partition } from '../../stages/planned';
import { type ReplaySetDetail, replayStage } from '../../stages/replay';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter, testDeps } from '../support/temporal';

const temp = useTempFolder();
let python: Awaited<ReturnType<typeof ensurePython>>;

beforeAll(async () => {
  python = await ensurePython(quietReporter);
}, 900_000);

type Deps = ReturnType<typeof testDeps>;

function newDeps(): Deps {
  return testDeps({ python: createPythonJobs({ environment: async () => python }), root: join(temp(), 'store') });
}

/** Forty rows as ShareGPT's dumps have them; every fourth begins with the assistant, every tenth ends with the human. */
async function shareGpt(): Promise<string> {
  const file = join(temp(), 'sharegpt.jsonl');
  const rows = Array.from({ length: 40 }, (_, n) => {
    const turns = [
      { from: 'human', value: `Question ${n}? \u2028` },
      { from: 'gpt', value: `Answer ${n}.` },
    ];
    return {
      dataset: 'sharegpt',
      id: `id_${n}`,
      conversations: n % 4 === 3 ? turns.slice(1) : n % 10 === 0 ? [...turns, turns[0]] : turns,
    };
  });
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

/** A stored plan whose method has selected one answer to each of eight instructions. */
async function planWith(deps: Deps, variants: RunSpecInput['variants']): Promise<{ readonly plan: RunPlan; readonly hash: string }> {
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.variants = variants;
  });
  const { instructions } = spec.synthesis.extract;
  const content = await contentIdentities(spec, deps.weights);
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(instructions, spec.synthesis.shardSize) };
  for (const shard of plan.shards) {
    const rows = Array.from({ length: shard.end - shard.start }, (_, offset): ReplayRow => {
      const id = `i${shard.start + offset}`;
      const messages = [
        { role: 'user' as const, content: 'Why?' },
        { role: 'assistant' as const, content: 'So.' },
      ];
      return {
        instructionId: id,
        responseId: `${id}-r`,
        instruction: 'Why?',
        response: 'So.',
        model: 'target',
        finishReason: 'stop',
        meanScore: 5,
        scores: { target: 5 },
        messages,
      };
    });
    await deps.stages.commit(selectStage.at(plan, shard), { rows, failures: [], stats: noCalls(new Date().toISOString()), inputs: [] });
  }
  return { plan, hash: await deps.plans.save(plan) };
}

async function load(deps: Deps, hash: string, variant: string): Promise<ReplaySetDetail> {
  return (await new MockActivityEnvironment().run(
    async () => await createReplaySetActivities(deps).loadReplaySet({ runId: 'run', plan: hash, variant }),
  )) as ReplaySetDetail;
}

test('a public set from local files gives as many conversations as the method, with its counts and licence in the manifest', async () => {
  const deps = newDeps();
  const { plan, hash } = await planWith(deps, ['method', { name: 'chat', replay: { set: 'sharegpt', files: [await shareGpt()] } }]);
  const wanted = (await mixtureBase(deps, plan, { stop: new AbortController().signal, heartbeat: () => undefined })).plan.replayCount;

  const detail = await load(deps, hash, 'chat');
  expect(detail).toMatchObject({
    kind: 'dataset',
    title: 'ShareGPT, from local files',
    rows: wanted,
    revision: null,
    licence: 'Apache-2.0 (source)',
  });
  const malformed = detail.malformed['begins with the assistant'] ?? 0;
  expect(detail.read).toBe(wanted + malformed);

  const stored = (await deps.stages.find(replayStage.at(plan, 'chat')))!;
  expect(detailOf(stored)).toEqual(detail);
  const rows = await deps.stages.readRows(stored);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(wanted);
  for (const { id, messages } of rows) {
    const n = id.slice('id_'.length);
    expect(messages).toEqual([
      { role: 'user', content: `Question ${n}? \u2028` },
      { role: 'assistant', content: `Answer ${n}.` },
    ]);
  }
}, 120_000);

test('a set with too few rows gives all it has, and says what was wrong with the others', async () => {
  const deps = newDeps();
  const file = join(temp(), 'few.jsonl');
  const row = {
    messages: [
      { role: 'user', content: 'Hm?' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'Bye' },
    ],
  };
  await writeFile(file, `${JSON.stringify(row)}\n{"messages": []}\n{broken\n`);
  const { hash } = await planWith(deps, [
    'method',
    { name: 'few', replay: { files: [file], schema: { kind: 'messages', column: 'messages' }, licence: 'internal' } },
  ]);
  expect(await load(deps, hash, 'few')).toEqual({
    kind: 'dataset',
    title: file,
    rows: 1,
    read: 3,
    malformed: { 'no list of turns in messages': 1, 'not JSON': 1 },
    trailingUserTurnsCut: 1,
    revision: null,
    licence: 'internal',
  });
}, 120_000);

test('a file in another schema fails for good and names the schema', async () => {
  const deps = newDeps();
  const { hash } = await planWith(deps, ['method', { name: 'wrong', replay: { files: [await shareGpt()], schema: { kind: 'alpaca' } } }]);
  await expect(load(deps, hash, 'wrong')).rejects.toMatchObject({
    type: 'PythonJobError',
    nonRetryable: true,
    message: expect.stringContaining('None of the 40 rows read of'),
  });
}, 120_000);
