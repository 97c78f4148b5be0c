import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedProgress } from '../../cli/progress/stored-progress';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { progressQuery } from '../../contract/progress';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage, type ExportStage } from '../../export/export-rows';
import type { Instruction, Judgment, ReplayRow, Response } from '../../method/records';
import { selectBest } from '../../method/selection';
import { gatherReport } from '../../report/gather/report-data';
import { planVariant, type RunPlan } from '../../stages/run-plan';
import { experiment } from '../../workflows';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { openViewer } from '../support/open-viewer';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();
const folder = mkdtempSync(join(tmpdir(), 'rehearse-own-'));
const prompts = join(folder, 'prompts.jsonl');

const PLAIN = [1, 2, 3, 4].map((n) => ({
  messages: [
    { role: 'user', content: `Set question ${n}?` },
    { role: 'assistant', content: `Somebody's answer ${n}.` },
    { role: 'user', content: 'And then?' },
    { role: 'assistant', content: 'Nothing.' },
  ],
}));
const SYSTEM = {
  conversations: [
    { from: 'system', value: 'Be brief.' },
    { from: 'human', value: 'Set question 5?' },
    { from: 'gpt', value: 'No.' },
  ],
};
const NO_PROMPT = { messages: [{ role: 'assistant', content: 'Hello.' }] };

writeFileSync(prompts, [...PLAIN, SYSTEM, NO_PROMPT].map((row) => `${JSON.stringify(row)}\n`).join(''));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Deps = ReturnType<typeof testDeps>;

async function run(runId: string, spec: RunSpec): Promise<Awaited<ReturnType<typeof experiment>>> {
  return await environment().client.workflow.execute(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

async function planOf(deps: Deps, runId: string): Promise<RunPlan> {
  return await deps.plans.load((await deps.plans.findRun(runId))!.plan);
}

async function rowsOf<Row>(deps: Deps, plan: RunPlan, stage: ExportStage, variant: string): Promise<Row[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const part of exportStage(stage, { stages: deps.stages, plan, variant: planVariant(plan, variant) }).parts()) {
    rows.push(...part);
  }
  return rows as Row[];
}

const first = { name: 'own-first', replay: { ownAnswers: prompts, pick: 'first' as const } };
const judged = { name: 'own-judged', replay: { ownAnswers: { files: [prompts] }, pick: 'judged' as const } };

/** The viewer shows own answers as it shows the method's, and what every row is trained on. */
async function expectViewed(root: string): Promise<void> {
  const viewer = await openViewer(root, { runId: 'with-own' });
  const page = async (path: string): Promise<string> => {
    for (;;) {
      const { status, body } = await viewer.get(path);
      expect({ path, status }).toEqual({ path, status: 200 });
      if (!body.includes('The store is being read')) return body;
    }
  };
  const ids = (html: string): string[] => [...html.matchAll(/<li data-id="([^"]+)"/g)].map(([, id]) => id!);
  try {
    const sets = [...(await page('')).matchAll(/<option value="[^"]*\/">(own answers: [^<]*)</g)].map(([, name]) => name);
    expect(sets).toEqual(['own answers: own-first', 'own answers: own-judged']); // own-again shares the first's
    const prompts = [0, 1, 2, 3, 4].map((n) => `p000000${n}`);
    expect(ids(await page('own/own-first/?state=kept'))).toEqual(prompts);
    expect(ids(await page('own/own-judged/?state=kept&min=1'))).toEqual(prompts);
    const details = await Promise.all(prompts.map(async (id) => await page(`own/own-judged/i/${id}`)));
    expect(details.map((html) => [html.match(/<section class="answer/g)?.length, html.match(/<dt><b>/g)?.length])).toEqual(
      prompts.map(() => [2, 4]),
    );
    expect(details.filter((html) => html.includes('System message') && html.includes('Be brief.'))).toHaveLength(1);
    expect(await page('own/own-judged/judges')).toContain('target and other');

    const trained = await page('rows?variant=own-judged&source=replay');
    expect(trained).toContain('<strong>5</strong> rows');
    expect(ids(trained).every((id) => /^m\d{7}:replay:p\d{7}$/.test(id))).toBe(true);
    const [first] = ids(await page('rows?variant=own-judged&source=replay&q=question+3'));
    expect(await page(`rows/${encodeURIComponent(first!)}?variant=own-judged`)).toContain('Set question 3?');

    expect((await viewer.post('own/own-first/flags', { id: 'p0000001', reason: 'wrong' })).status).toBe(200);
    expect((await viewer.post('flags', { id: first, reason: 'too short' })).status).toBe(200);
    expect((await viewer.post('flags', { id: 'm0000000:replay:row-7', reason: 'of a public set' })).status).toBe(422);
    expect(await page('own/own-judged/?flagged=1')).toContain('too short');
    expect((await viewer.get('own/no-such-row/')).status).toBe(404);
    expect(viewer.errors).toEqual([]);
  } finally {
    await viewer.close();
  }
}

describe('own answers of the target to the prompts of a data set', () => {
  test('are asked, judged, mixed and counted beside the method, which stays what it is without them', async () => {
    const deps = testDeps({ python: fakePythonJobs([]) });
    const without = smallSpec(endpoint().baseURL, (spec) => (spec.variants = ['method']));
    const withOwn = smallSpec(endpoint().baseURL, (spec) => {
      spec.variants = ['official', 'method', first, judged, { ...first, name: 'own-again', newShare: 0.5 }];
      spec.mix = { ...spec.mix, newData: without.mix.newData as string };
    });
    await withWorkers(environment(), deps, async () => {
      await run('method-alone', without);
      const before = endpoint().requests.length;
      const result = await run('with-own', withOwn);
      expect(result.variants.map(({ variant }) => variant)).toEqual(['official', 'method', 'own-first', 'own-judged', 'own-again']);
      expect(result.replayRows).toBe(8);

      // Five prompts: one answer each; two each by one request, and four judgments of them. Rows that ask the same share them.
      const sent = endpoint().requests.slice(before);
      expect(sent).toHaveLength(5 + 5 + 5 * 2 * 2);
      const systems = sent.map(({ body }) => body.messages?.[0]).filter((message) => message?.role === 'system');
      expect(systems).toEqual([1, 2].map(() => ({ role: 'system', content: 'Be brief.' })));

      const plan = await planOf(deps, 'with-own');
      const alone = await planOf(deps, 'method-alone');
      expect(plan.keys).toMatchObject({ ...alone.keys, variants: expect.anything() });
      expect(plan.keys.variants['method']).toEqual(alone.keys.variants['method']);

      const answers = await rowsOf<{ messages: { role: string; content: string }[] }>(deps, plan, 'replay', 'own-first');
      expect(answers.map(({ messages }) => messages.at(-2)!.content).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `Set question ${n}?`));
      expect(answers.filter(({ messages }) => messages[0]!.role === 'system')).toHaveLength(1);
      expect(JSON.stringify(answers)).not.toContain('Somebody');
      expect(await rowsOf(deps, plan, 'judgments', 'own-first')).toEqual([]);

      // The exports of the judged row say which answers win.
      const [instructions, responses, judgments] = await Promise.all([
        rowsOf<Instruction>(deps, plan, 'instructions', 'own-judged'),
        rowsOf<Response>(deps, plan, 'responses', 'own-judged'),
        rowsOf<Judgment>(deps, plan, 'judgments', 'own-judged'),
      ]);
      const again = instructions.flatMap((instruction) => {
        const of = <Row extends { readonly instructionId: string }>(rows: readonly Row[]): Row[] =>
          rows.filter(({ instructionId }) => instructionId === instruction.id);
        const best = selectBest({
          instruction,
          responses: of(responses),
          judgments: of(judgments),
          judges: ['target', 'other'],
          expectedResponses: 2,
          policy: { keep: 'complete' },
          truncated: 'keep',
          seed: 7,
        });
        return 'replay' in best ? [{ id: instruction.id, messages: best.replay.messages as ReplayRow['messages'] }] : [];
      });
      expect(again).toHaveLength(5);
      expect(await rowsOf(deps, plan, 'replay', 'own-judged')).toMatchObject(again);

      const rows = await environment().client.workflow.getHandle('with-own').query(progressQuery);
      const of = (stage: string, model: string): unknown => rows.find((row) => row.stage === stage && row.model === model);
      expect(of('respond', 'target')).toMatchObject({ done: 16 + 5 + 10, total: 16 + 5 + 10, state: 'done' });
      expect(of('judge', 'other')).toMatchObject({ done: 32 + 10, total: 32 + 10, state: 'done' });
      expect(of('select', 'own-judged')).toMatchObject({ done: 5, total: 5, state: 'done' });
      const stored = await storedProgress(deps.stages, plan);
      const counts = (list: typeof stored): unknown[] => list.map(({ stage, model, done, total }) => [stage, model, done, total]);
      const calls = ['extract', 'respond', 'judge', 'select', 'replay', 'mix'];
      expect(counts(stored.filter(({ stage }) => calls.includes(stage)))).toEqual(
        counts(rows.filter(({ stage }) => calls.includes(stage))),
      );

      const { stages, plans, store } = deps;
      const report = await gatherReport({ store, stages, plans, runId: 'with-own', now: new Date() });
      expect(report).toMatchObject({ finished: true, missing: [] });
      expect(report.lineage.find(({ variant }) => variant === 'own-first')?.replaySet).toMatchObject({ rows: 5, read: 6, malformed: 1 });
      expect(report.synthesis.recomputed).toEqual({ equal: 8, checked: 8 });

      // All of it is there: nothing is asked again.
      const paid = endpoint().requests.length;
      await run('with-own-again', withOwn);
      expect(endpoint().requests).toHaveLength(paid);
      await expectViewed(deps.root);
    });
    rmSync(deps.root, { recursive: true });
  });

  test('need no raw completions, no chat template and no extraction where no row wants the method’s replay set', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const api = (change: (spec: RunSpecInput) => void): RunSpec =>
      smallSpec(endpoint().baseURL, (spec) => {
        spec.models = { target: { baseURL: endpoint().baseURL, model: 'api-only', limits: { concurrency: 4 } } };
        spec.target = { model: 'target' };
        spec.synthesis.respond = { generators: ['target'], samples: 2 };
        spec.synthesis.judge = { judges: ['target'] };
        change(spec);
      });
    await withWorkers(environment(), deps, async () => {
      const before = endpoint().requests.length;
      const set = await run(
        'own-set',
        api((spec) => {
          delete spec.mix;
          spec.until = 'replay';
          spec.variants = [{ name: 'own', replay: { ownAnswers: { hub: 'org/set', revision: 'abc', splits: [] }, pick: 'judged' } }];
        }),
      );
      expect(set).toMatchObject({ replayRows: 4, variants: [{ variant: 'own', scores: {} }] });
      expect(jobs.map(({ command, spec: { source } }) => [command, (source as { hub: string }).hub])).toEqual([['datasets', 'org/set']]);
      expect(await rowsOf(deps, await planOf(deps, 'own-set'), 'replay', 'own')).toHaveLength(4);

      const mixed = await run(
        'own-mixture',
        api((spec) => {
          spec.until = 'mixture';
          spec.budget = { tokens: 1_000_000 };
          spec.variants = [first, 'new-data-only'];
        }),
      );
      expect(mixed).toMatchObject({
        replayRows: 5,
        variants: [
          { variant: 'own-first', examples: 6 },
          { variant: 'new-data-only', examples: 1 },
        ],
      });
      const sent = endpoint().requests.slice(before);
      expect(sent.map(({ path }) => path)).toEqual(sent.map(() => 'chat/completions'));
      const { stages, plans, store } = deps;
      for (const runId of ['own-set', 'own-mixture']) {
        expect(await gatherReport({ store, stages, plans, runId, now: new Date() })).toMatchObject({ finished: true, missing: [] });
      }
    });
    rmSync(deps.root, { recursive: true });
  });

  test('fail before any call where the set has no prompt', async () => {
    const deps = testDeps({ python: fakePythonJobs([]) });
    const empty = join(folder, 'empty.jsonl');
    writeFileSync(empty, `${JSON.stringify(NO_PROMPT)}\n`);
    await withWorkers(environment(), deps, async () => {
      const before = endpoint().requests.length;
      const spec = smallSpec(endpoint().baseURL, (input) => (input.variants = [{ name: 'own', replay: { ownAnswers: empty } }]));
      const failure: unknown = await run('no-prompts', spec).catch((error: unknown) => error);
      expect(String((failure as Error & { cause: { cause: Error } }).cause.cause.message)).toMatch(
        /none of its 1 rows has a prompt that the target can be asked: .*; check variants\.own\.replay\.ownAnswers and its schema/,
      );
      expect(endpoint().requests).toHaveLength(before);
    });
    rmSync(deps.root, { recursive: true });
  });
});
