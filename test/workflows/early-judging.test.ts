import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage } from '../../export/export-rows';
import type { Judgment, ReplayRow } from '../../method/records';
import { isSkipped } from '../../method/skipped';
import { gatherReport } from '../../report/gather/report-data';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { defaultReply, promptOf } from '../support/fake-replies';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
let endpoint: FakeEndpoint;
let deps: ReturnType<typeof testDeps>;

beforeEach(async () => {
  endpoint = await FakeEndpoint.start({
    // The judge that is asked last now and then gives no score at all, so that what it ruled out has to be judged after all.
    reply: (path, body, sample) => {
      const quality = /Answer ([0-9a-f])/.exec(promptOf(body))?.[1];
      if (quality === undefined || !promptOf(body).includes('Score: <rating>')) return defaultReply(path, body, sample);
      if (body.model === 'other' && quality === 'e') return { text: 'I cannot say.' };
      return { text: `It fits.\n\nScore: ${1 + Math.floor((5 * Number.parseInt(quality, 16)) / 16)}` };
    },
  });
  deps = testDeps({ python: fakePythonJobs(), root: mkdtempSync(join(tmpdir(), 'rehearse-test-')) });
});

afterEach(async () => {
  await endpoint.close();
  rmSync(deps.root, { recursive: true });
});

function spec(
  skip: 'none' | 'cannot-win',
  rounds: 'generators' | 'prospects' = 'generators',
  change: (draft: RunSpecInput) => void = () => undefined,
): RunSpec {
  return smallSpec(endpoint.baseURL, (draft) => {
    const model = { baseURL: endpoint.baseURL, limits: { concurrency: 4 } };
    draft.models = { ...draft.models, first: { ...model, model: 'first' }, second: { ...model, model: 'second' } };
    draft.synthesis.extract.instructions = 24;
    draft.synthesis.shardSize = 8;
    draft.synthesis.judge = {
      judges: ['other', 'first', 'second'],
      order: ['first', 'second', 'other'],
      maxAttempts: 1,
      sampling: { maxTokens: 64 },
      skip,
      rounds,
      auditShare: 0.1,
    };
    draft.synthesis.select = { policy: 'available', minJudges: 3, truncated: 'last' };
    draft.variants = ['method', 'official'];
    change(draft);
  });
}

async function run(
  runId: string,
  of: RunSpec,
): Promise<{ readonly replay: ReplayRow[]; readonly judgments: Judgment[]; readonly judged: number }> {
  const before = endpoint.requests.length;
  await withWorkers(environment(), deps, async () => {
    await environment().client.workflow.execute(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [of] });
  });
  const plan = await deps.plans.load((await deps.plans.findRun(runId))?.plan ?? '');
  const rowsOf = async <Row>(stage: 'replay' | 'judgments'): Promise<Row[]> => {
    const rows: unknown[] = [];
    for await (const part of exportStage(stage, { stages: deps.stages, plan }).parts()) rows.push(...part);
    return rows as Row[];
  };
  return { replay: await rowsOf('replay'), judgments: await rowsOf('judgments'), judged: endpoint.requests.length - before };
}

test('early judging asks less and keeps the same answers; turned off later, it buys only what was skipped', async () => {
  const early = await run('early', spec('cannot-win'));
  const skipped = early.judgments.filter(isSkipped);
  expect(skipped.length).toBeGreaterThan(5);
  expect(new Set(skipped.map(({ judge }) => judge))).toEqual(new Set(['other']));
  expect(new Set(skipped.map((row) => [row.score, row.reason, row.raw, row.attempts].join('|')))).toEqual(new Set(['|cannot-win||0']));

  const full = await run('full', spec('none'));
  expect(full.judged).toBe(skipped.length);
  expect(full.judgments.filter(isSkipped)).toEqual([]);
  expect(full.judgments.length).toBe(early.judgments.length);
  const asked = early.judgments.filter((row) => !isSkipped(row));
  const ids = new Set(asked.map(({ id }) => id));
  expect(full.judgments.filter(({ id }) => ids.has(id))).toEqual(asked);
  expect(early.replay).toEqual(full.replay);
  expect(endpoint.paidTwice()).toHaveLength(0);

  const again = await run('early-again', spec('cannot-win'));
  expect(again.judged).toBe(0);
  const { synthesis, warnings } = await gatherReport({ ...deps, runId: 'early-again', now: new Date() });
  expect(synthesis.judgments).toMatchObject({ pending: 0 });
  expect(synthesis.skips).toMatchObject({ skipped: skipped.length, auditShare: 0.1 });
  expect(synthesis.skips!.judges.map(({ judge }) => judge)).toEqual(['first', 'second', 'other']);
  expect(synthesis.recomputed).toEqual({ equal: early.replay.length, checked: early.replay.length });
  expect(warnings.filter((warning) => /add up|another result/.test(warning))).toEqual([]);
}, 300_000);

test('with the best prospects first less is asked; each further way buys only what the ways before it left out', async () => {
  const early = await run('prospects', spec('cannot-win', 'prospects'));
  const skipped = early.judgments.filter(isSkipped);
  expect(new Set(skipped.map(({ judge }) => judge))).toEqual(new Set(['other']));
  const { synthesis, warnings } = await gatherReport({ ...deps, runId: 'prospects', now: new Date() });
  expect(synthesis.judgments).toMatchObject({ pending: 0 });
  expect(synthesis.skips).toMatchObject({ skipped: skipped.length });
  expect(synthesis.recomputed).toEqual({ equal: early.replay.length, checked: early.replay.length });
  expect(warnings.filter((warning) => /add up|another result/.test(warning))).toEqual([]);

  const known = new Set(early.judgments.filter((row) => !isSkipped(row)).map(({ id }) => id));
  const byGenerator = await run('generators', spec('cannot-win', 'generators'));
  const asked = byGenerator.judgments.filter((row) => !isSkipped(row)).map(({ id }) => id);
  expect(asked.length).toBeGreaterThan(known.size);
  expect(byGenerator.judged).toBe(asked.filter((id) => !known.has(id)).length);
  expect(byGenerator.replay).toEqual(early.replay);

  const full = await run('full-third', spec('none'));
  expect(full.judged).toBe(byGenerator.judgments.length - new Set([...known, ...asked]).size);
  expect(full.replay).toEqual(early.replay);
  expect((await run('prospects-again', spec('cannot-win', 'prospects'))).judged).toBe(0);
  expect(endpoint.paidTwice()).toHaveLength(0);
}, 300_000);

test('after a run in full, early judging asks nothing more', async () => {
  const full = await run('full-first', spec('none'));
  const early = await run('early-second', spec('cannot-win'));
  expect(early.judged).toBe(0);
  expect(early.replay).toEqual(full.replay);
}, 300_000);
