import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { storedProgress } from '../../cli/progress/stored-progress';
import type { RunSpec } from '../../config/spec';
import { progressQuery } from '../../contract/progress';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage, type ExportStage } from '../../export/export-rows';
import type { MixtureRow } from '../../method/records';
import { deriveSeed } from '../../method/seeds';
import { gatherReport } from '../../report/gather/report-data';
import { PythonJobError } from '../../services/python/python-jobs';
import { contentIdentities } from '../../services/runs/content-identities';
import { stageKeys } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { holdOutStage } from '../../stages/hold-out';
import { mixStage } from '../../stages/mix';
import type { Output } from '../../stages/stage';
import { experiment } from '../../workflows';
import { FakeEndpoint, useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { defaultReply } from '../support/fake-replies';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();

async function run(runId: string, spec: RunSpec): Promise<Awaited<ReturnType<typeof experiment>>> {
  return await environment().client.workflow.execute(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

describe('the experiment workflow', () => {
  test('runs the whole method, and a second run of the same spec makes no call and no job', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const spec = smallSpec(endpoint().baseURL);
    await withWorkers(environment(), deps, async () => {
      const result = await run('whole', spec);
      expect(result.replayRows).toBe(8);
      expect(result.variants.map(({ variant }) => variant)).toEqual(['official', 'method']);

      const record = await deps.plans.findRun('whole');
      const plan = await deps.plans.load(record?.plan ?? '');
      const mixture = await deps.stages.latest(mixStage.at(plan, 'method'));
      const rows = mixture === undefined ? [] : await deps.stages.readRows(mixture);
      expect(rows.filter(({ source }) => source === 'new')).toHaveLength(2); // 2 of 10: the nearest to 17 %
      // Each task is a job of its own: four on each model.
      expect(jobs.map(({ command }) => command).sort()).toEqual([...Array<string>(8).fill('evaluate'), 'sft', 'weights']);
      expect(jobs.filter(({ command }) => command === 'evaluate').map(({ spec: { tasks } }) => (tasks as unknown[]).length)).toEqual(
        Array<number>(8).fill(1),
      );

      // 8 extractions; responses: 8 with n = 2, and 8 x 2 without; 32 responses x 2 judges.
      expect(endpoint().requests).toHaveLength(8 + 8 + 16 + 64);
      expect(endpoint().paidTwice()).toHaveLength(0);

      const again = await run('whole', spec);
      expect(again.replayRows).toBe(8);
      expect(endpoint().requests).toHaveLength(96);
      expect(jobs.slice(10).map(({ command }) => command)).toEqual(['weights']); // which are looked at anew
    });
    rmSync(deps.root, { recursive: true });
  });

  test('interpolates between the official model and a row once that is trained, and trains rows as they ask', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const spec = smallSpec(endpoint().baseURL, (input) => {
      input.variants = [
        'official',
        { name: 'half', interpolate: { of: 'method', weight: 0.5 } },
        'method',
        { name: 'lora', train: { method: 'lora', learningRate: 3e-4 } },
        { name: 'osf', replay: 'method', train: { method: 'osf' } },
      ];
    });
    await withWorkers(environment(), deps, async () => {
      const { variants } = await run('rivals', spec);
      expect(variants.map(({ variant, steps, examples }) => [variant, steps, examples])).toEqual([
        ['official', undefined, undefined],
        ['half', 0, undefined],
        ['method', 2, 10],
        ['lora', 2, expect.any(Number)],
        ['osf', 2, 10],
      ]);
      const { spec: asked } = jobs.find(({ command }) => command === 'interpolate')!;
      const plan = await deps.plans.load((await deps.plans.findRun('rivals'))?.plan ?? '');
      expect(asked).toMatchObject({ weight: 0.5, trained: expect.stringContaining(plan.keys.variants['method']!.train!) as string });
      const trained = jobs
        .filter(({ command }) => command === 'sft')
        .map(({ spec: { learningRate, lora, osf } }) => ({ learningRate, lora, osf }));
      expect(trained).toHaveLength(3);
      expect(trained).toContainEqual({
        learningRate: 3e-4,
        lora: expect.objectContaining({ rank: 16, targets: null }) as unknown,
        osf: undefined,
      });
      expect(trained).toContainEqual({ learningRate: 2e-5, lora: undefined, osf: { effectiveRank: 0.5, targets: null } });

      const stored = await storedProgress(deps.stages, plan);
      expect(stored.filter(({ model }) => model === 'half').map(({ stage, state, note }) => [stage, state, note])).toEqual([
        ['train', 'done', 'interpolated'],
      ]);
      const report = await gatherReport({ ...deps, runId: 'rivals', now: new Date() });
      expect(report.finished).toBe(true);
      expect(report.variants.map(({ name, replay, state }) => [name, replay, state])).toEqual([
        ['official', 'not trained', 'evaluated'],
        ['half', 'none: 50\u00a0% method, the rest the official model', 'evaluated'],
        ['method', 'ours: best of all responses by all judges', 'evaluated'],
        ['lora', 'none: new data alone; LoRA, at a rate of 3e-4', 'evaluated'],
        ['osf', 'ours: best of all responses by all judges; OSF', 'evaluated'],
      ]);
    });
    rmSync(deps.root, { recursive: true });
  });

  test('an interpolation of a row that fails says so, and the others go on', async () => {
    const python = fakePythonJobs([], ({ command }) =>
      command === 'sft' ? new PythonJobError('nan_loss', 'the loss is no number') : undefined,
    );
    const deps = testDeps({ python });
    const spec = smallSpec(endpoint().baseURL, (input) => {
      input.variants = ['official', 'method', { name: 'half', interpolate: { of: 'method', weight: 0.5 } }];
    });
    await withWorkers(environment(), deps, async () => {
      const failure: unknown = await run('broken-rival', spec).catch((error: unknown) => error);
      expect((failure as WorkflowFailedError).cause?.message).toMatch(
        /^2 of 3 variants failed: method \(the loss is no number\); half \(the row method, from whose weights it is made, has failed\)/,
      );
    });
    rmSync(deps.root, { recursive: true });
  });

  test('trains every variant from one synthesis; one that fails does not sink the others, and only it is repeated', async () => {
    const jobs: RecordedJob[] = [];
    let broken = true;
    const python = fakePythonJobs(jobs, ({ command, spec }) =>
      broken && command === 'sft' && String(spec['mixture']).includes(doomed)
        ? new PythonJobError('nan_loss', 'the loss is no number')
        : undefined,
    );
    const deps = testDeps({ python });
    const spec = smallSpec(endpoint().baseURL, (input) => {
      input.variants = ['official', 'method', 'first-response', 'target-best', 'ultrachat', 'new-data-only'];
      input.sweep = { newShare: [0.5] };
    });
    const doomed = stageKeys(spec, await contentIdentities(spec, deps.weights)).variants['target-best']!.train!;
    await withWorkers(environment(), deps, async () => {
      const failure: unknown = await run('variants', spec).catch((error: unknown) => error);
      expect((failure as WorkflowFailedError).cause?.message).toMatch(
        /^1 of 7 variants failed: target-best \(the loss is no number\); the others are in .*report\.html;/,
      );
      // The fake trains the same weights every time, so their four scores are taken once.
      expect(jobs.map(({ command }) => command).sort()).toEqual(
        [...Array<string>(8).fill('evaluate'), 'datasets', ...Array<string>(6).fill('sft'), 'weights'].sort(),
      );
      expect(endpoint().requests).toHaveLength(96); // not one call more than the method alone makes

      broken = false;
      jobs.length = 0;
      const { variants } = await run('variants', spec);
      expect(variants.map(({ variant }) => variant)).toEqual([
        'official',
        'method',
        'first-response',
        'target-best',
        'ultrachat',
        'new-data-only',
        'method-share-0.5',
      ]);
      expect(jobs.map(({ command }) => command).sort()).toEqual(['sft', 'weights']);
      // The same budget: 10 examples of which 2 are new; at another share as many in all, where the new data allows; new data alone.
      expect(Object.fromEntries(variants.map(({ variant, examples }) => [variant, examples]))).toEqual({
        official: undefined,
        method: 10,
        'first-response': 10,
        'target-best': 10,
        ultrachat: 10,
        'new-data-only': 2,
        'method-share-0.5': 8,
      });
    });

    const plan = await deps.plans.load((await deps.plans.findRun('variants'))?.plan ?? '');
    const mixtureOf = async (variant: string): Promise<MixtureRow[]> => {
      const manifest = await deps.stages.latest(mixStage.at(plan, variant));
      return manifest === undefined ? [] : await deps.stages.readRows(manifest);
    };
    const fresh = async (variant: string): Promise<string[]> =>
      (await mixtureOf(variant))
        .filter(({ source }) => source === 'new')
        .map(({ messages }) => messages[0]!.content)
        .sort();
    for (const variant of ['first-response', 'target-best', 'ultrachat', 'new-data-only']) {
      expect(await fresh(variant)).toEqual(await fresh('method'));
    }
    expect(
      (await mixtureOf('ultrachat'))
        .filter(({ source }) => source === 'replay')
        .every(({ messages }) => messages[0]!.content.startsWith('Public question')),
    ).toBe(true);
    rmSync(deps.root, { recursive: true });
  });

  test('what is held out is in no mixture, and every model is measured on it, the official one too', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const spec = smallSpec(endpoint().baseURL, (input) => {
      input.variants = ['official', 'method', 'first-response', 'ultrachat', 'new-data-only'];
      input.mix!.holdOut = { replay: 2, new: 1 };
      input.train = { ...input.train, evalSteps: 1, accelerate: 'cpu', lora: { rank: 4 } };
    });
    await withWorkers(environment(), deps, async () => {
      const { variants } = await run('held-out', spec);
      const trained = { replay: 2.5, own: 2.5, new: 2.5 };
      expect(variants.map(({ losses }) => losses)).toEqual([{ replay: 2, own: 2, new: 2 }, trained, trained, trained, trained]);
    });

    const plan = await deps.plans.load((await deps.plans.findRun('held-out'))?.plan ?? '');
    const rowsOf = async <Row extends object>(output: Output<Row>): Promise<Row[]> => {
      const stored = await deps.stages.latest(output);
      return stored === undefined ? [] : await deps.stages.readRows(stored);
    };
    const kept = await rowsOf(holdOutStage.at(plan));
    expect(kept.map(({ set }) => set)).toEqual(['replay', 'replay', 'own', 'own', 'new']);
    const idsOf = (name: string): string[] => kept.filter(({ set }) => set === name).map(({ id }) => id);
    expect(idsOf('own')).toEqual(idsOf('replay'));

    for (const variant of ['method', 'first-response', 'ultrachat', 'new-data-only']) {
      const mixture = await rowsOf(mixStage.at(plan, variant));
      const used = mixture.map(({ id }) => id.split(':').slice(1).join(':'));
      expect(used.filter((id) => kept.some((row) => id === `${row.set}:${row.id}`))).toEqual([]);
      expect(mixture).toHaveLength(variant === 'new-data-only' ? 1 : 7); // 6 of 8 replay rows are left, and room for 1 new one
    }
    const trainings = jobs.filter(({ command }) => command === 'sft').map((job) => job.spec);
    expect(trainings).toHaveLength(4);
    for (const training of trainings) {
      expect(training).toMatchObject({ evalSteps: 1, lora: { rank: 4, alpha: 32, dropout: 0, targets: null, quantize: false } });
      expect(readFileSync(String(training['evalMixture']), 'utf8')).toBe(
        kept.map(({ id, messages }) => `${JSON.stringify({ id, messages })}\n`).join(''),
      );
      expect(readFileSync(String(training['accelerate']), 'utf8')).toBe(readFileSync('config/accelerate/cpu.yaml', 'utf8'));
    }
    // All models see the same files, and those are the rows that were kept.
    const asked = jobs.flatMap(({ spec: { losses = [] } }) =>
      (losses as { name: string; conversations: string }[]).map(({ name, conversations }) => ({
        name,
        text: readFileSync(conversations, 'utf8'),
      })),
    );
    expect(asked).toHaveLength(2 * 3); // the fake trains the same weights for every variant, and a model is measured once
    for (const { name, text } of asked) {
      expect(text).toBe(
        kept
          .filter(({ set }) => set === name)
          .map(({ id, messages }) => `${JSON.stringify({ id, messages })}\n`)
          .join(''),
      );
    }

    const { heldOut, missing } = await gatherReport({ ...deps, runId: 'held-out', now: new Date() });
    expect(missing).toEqual([]);
    expect(
      heldOut!.map(({ set, conversations, variants }) => [set, conversations, variants.map(({ change }) => change?.value ?? null)]),
    ).toEqual([
      ['replay', 2, [null, 0.5, 0.5, 0.5, 0.5]],
      ['own', 2, [null, 0.5, 0.5, 0.5, 0.5]],
      ['new', 1, [null, 0.5, 0.5, 0.5, 0.5]],
    ]);
    expect((await storedProgress(deps.stages, plan)).find(({ stage }) => stage === 'holdout')).toMatchObject({
      done: 1,
      total: 1,
      state: 'done',
      note: '2 replay + 1 new',
    });

    // Its output lost, it is made again as it was, and nothing that followed from it is.
    rmSync(join(deps.root, deps.stages.folder(holdOutStage.at(plan).address)), { recursive: true });
    jobs.length = 0;
    await withWorkers(environment(), deps, async () => await run('held-out', spec));
    expect(await rowsOf(holdOutStage.at(plan))).toEqual(kept);
    expect(jobs.map(({ command }) => command)).toEqual(['weights']); // which are looked at anew
    rmSync(deps.root, { recursive: true });
  });

  test('with filters answers only what they keep, and every instruction is accounted for', async () => {
    const deps = testDeps({ python: fakePythonJobs() });
    // The target writes one instruction four times over and two that are too short: nothing is left of the second shard.
    const texts = [
      'Explain how to plan a rain barrel.',
      'explain how to  plan a rain barrel.',
      'Hm',
      'EXPLAIN how to plan a rain barrel.',
      'Hm',
      'Explain how to plan a rain barrels.',
      'What is a haiku about?',
      'Write a limerick on tides.',
    ];
    const seeds = texts.map((_, itemIndex) => deriveSeed({ runSeed: 7, stage: 'extract', itemIndex, sample: 0, attempt: 0 }));
    const repetitive = await FakeEndpoint.start({
      reply: (path, body, sample) =>
        path === 'completions' ? { text: texts[seeds.indexOf(body.seed ?? -1)] ?? '' } : defaultReply(path, body, sample),
    });
    const spec = smallSpec(
      repetitive.baseURL,
      (input) => (input.synthesis.quality = { length: { minWords: 2 }, duplicates: { near: {} } }),
    );
    await withWorkers(environment(), deps, async () => {
      expect((await run('filtered', spec)).replayRows).toBe(3);
      // 8 extractions; of 3: responses 3 with n = 2 and 3 x 2 without, 12 responses x 2 judges.
      expect(repetitive.requests).toHaveLength(8 + 3 + 6 + 24);
      const rows = await environment().client.workflow.getHandle('filtered').query(progressQuery);
      expect(rows.slice(0, 7).map(({ stage, model, done, total, failed }) => [stage, model, done, total, failed])).toEqual([
        ['extract', 'target', 8, 8, 0],
        ['filter', '', 8, 8, 5],
        ['respond', 'target', 6, 6, 0],
        ['respond', 'other', 6, 6, 0],
        ['judge', 'target', 12, 12, 0],
        ['judge', 'other', 12, 12, 0],
        ['select', '', 3, 3, 0],
      ]);
      expect((await run('filtered', spec)).replayRows).toBe(3);
      expect(repetitive.requests).toHaveLength(41);
    });
    await repetitive.close();

    const record = await deps.plans.findRun('filtered');
    const plan = await deps.plans.load(record?.plan ?? '');
    const exported = async (stage: ExportStage): Promise<Record<string, unknown>[]> => {
      const rows: Record<string, unknown>[] = [];
      for await (const part of exportStage(stage, { stages: deps.stages, plan }).parts()) rows.push(...part);
      return rows;
    };
    expect((await exported('instructions')).map(({ id, dropped }) => `${String(id)} ${String(dropped)}`)).toEqual([
      'i0000000 null',
      'i0000001 duplicate: of i0000000',
      'i0000002 too short: 1 word, fewer than 2',
      'i0000003 duplicate: of i0000000',
      'i0000004 too short: 1 word, fewer than 2',
      'i0000005 near duplicate: of i0000000 (0.91)',
      'i0000006 null',
      'i0000007 null',
    ]);
    expect((await exported('failures')).map(({ stage, id }) => [stage, id])).toEqual(
      [1, 2, 3, 4, 5].map((index) => ['filter', `i000000${index}`]),
    );
    expect(await exported('replay')).toHaveLength(3);

    const report = await gatherReport({ store: deps.store, stages: deps.stages, plans: deps.plans, runId: 'filtered', now: new Date() });
    expect(report.finished).toBe(true);
    expect(report.warnings.filter((warning) => /add up|Choosing again|no longer current/.test(warning))).toEqual([]);
    expect(report.synthesis.instructions).toEqual({
      asked: 8,
      extracted: 8,
      lostAtExtraction: 0,
      dropped: 5,
      lostAtSelection: 0,
      kept: 3,
      pending: 0,
    });
    expect(report.synthesis.quality?.dropped.map(({ reason, count }) => [reason, count])).toEqual([
      ['too short', 2],
      ['duplicate', 2],
      ['near duplicate', 1],
    ]);
    expect((await storedProgress(deps.stages, plan)).filter(({ state }) => state !== 'done')).toEqual([]);
    rmSync(deps.root, { recursive: true });
  });

  test('keeps its progress table, its stage and its target where the Web UI shows them', async () => {
    const deps = testDeps({ python: fakePythonJobs() });
    await withWorkers(environment(), deps, async () => {
      endpoint().inject({ kind: 'status', status: 503, headers: { 'retry-after-ms': '1' } }, { times: 2 });
      await run(
        'shown',
        smallSpec(endpoint().baseURL, ({ models }) => {
          for (const model of Object.values(models)) model.price = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 2_000 };
        }),
      );
      const handle = environment().client.workflow.getHandle('shown');
      const { searchAttributes } = await handle.describe();
      expect(searchAttributes['RehearseStage']).toEqual(['done']);
      expect(searchAttributes['RehearseTargetModel']).toEqual(['target']);
      const rows = await handle.query(progressQuery);
      expect(rows.find(({ stage }) => stage === 'extract')).toMatchObject({ done: 8, total: 8, failed: 0, state: 'done' });
      expect(rows.filter(({ stage }) => stage === 'judge').map(({ done }) => done)).toEqual([32, 32]);
      expect(rows.every(({ state }) => state === 'done')).toBe(true);
      const extracted = rows.find(({ stage }) => stage === 'extract');
      expect(extracted?.errors).toEqual({ overloaded: 2 });
      expect(extracted?.usd).toBeCloseTo(((extracted?.promptTokens ?? 0) + 2 * (extracted?.completionTokens ?? 0)) / 1_000, 9);
      const { definition, currentDetails } = await handle.query<{ definition: unknown; currentDetails: string }>(
        '__temporal_workflow_metadata',
      );
      expect(definition).toBeDefined();
      expect(currentDetails).toMatch(/^\| ✓\sextract \| target \| 8\s\/\s8 \| 0 \| 2\soverloaded \| \d+ \| \$\d/m);
    });
    rmSync(deps.root, { recursive: true });
  });

  test('fails with the sentence of a permanent error, and goes on from what is stored when it is mended', async () => {
    const deps = testDeps({ python: fakePythonJobs() });
    const spec = smallSpec(endpoint().baseURL);
    endpoint().inject(
      { kind: 'status', status: 404, message: 'no such model' },
      { times: 1_000, when: ({ body }) => body.model === 'other' },
    );
    await withWorkers(environment(), deps, async () => {
      const failure: unknown = await run('mended', spec).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(WorkflowFailedError);
      expect(rootMessage(failure)).toMatch(/^model "other" at http.* refuses every call \(HTTP 404\)/);
    });
    const paid = endpoint().requests.filter(({ answered }) => answered).length;
    expect(paid).toBeGreaterThan(0);
    endpoint().clearFaults();
    await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root: deps.root }), async () => {
      expect((await run('mended', spec)).replayRows).toBe(8);
    });
    expect(endpoint().paidTwice()).toHaveLength(0);
    rmSync(deps.root, { recursive: true });
  });

  test('counts unusable replies as losses with their reasons and keeps the rest', async () => {
    const deps = testDeps({ python: fakePythonJobs() });
    const seeds = [0, 1, 2].map((attempt) => deriveSeed({ runSeed: 7, stage: 'extract', itemIndex: 0, sample: 0, attempt }));
    const mute = await FakeEndpoint.start({
      reply: (path, body, sample) =>
        path === 'completions' && seeds.includes(body.seed ?? -1) ? { text: ' ' } : defaultReply(path, body, sample),
    });
    await withWorkers(environment(), deps, async () => {
      expect((await run('losses', smallSpec(mute.baseURL))).replayRows).toBe(7);
    });
    await mute.close();
    const record = await deps.plans.findRun('losses');
    const plan = await deps.plans.load(record?.plan ?? '');
    const [shard] = plan.shards;
    const extracted = shard === undefined ? undefined : await deps.stages.latest(extractStage.at(plan, shard));
    if (extracted === undefined) throw new Error('nothing was extracted');
    expect(await deps.stages.readFailures(extracted.manifest)).toEqual([
      { stage: 'extract', id: 'i0000000', model: 'target', reason: 'empty', attempts: 3 },
    ]);
    rmSync(deps.root, { recursive: true });
  });
});

function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
