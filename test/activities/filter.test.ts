import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createDocumentsActivities } from '../../activities/documents';
import { createFilterActivities } from '../../activities/filter';
import { readInstructions } from '../../activities/read-instructions';
import type { RunSpecInput } from '../../config/spec';
import type { FilterOutcome } from '../../contract/outcomes';
import { resultSchemaOf } from '../../services/python/python-commands';
import { detailOf } from '../../services/store/stored-output';
import { extractStage } from '../../stages/extract';
import { filterStage, type FilterRow } from '../../stages/filter';
import { type RunPlan } from '../../stages/run-plan';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { planWithFilters, writeExtraction, type Quality } from '../support/filter-plan';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

const temp = useTempFolder();
const BLACK_BODY =
  'A star that radiates as a black body shrinks to half its radius while its surface temperature doubles. By what factor does its luminosity change?';
const TEXTS: readonly (string | null)[] = [
  'Explain how a heat pump warms a house in winter.',
  'Wie funktioniert eine Wärmepumpe, und was kostet sie im Winter?',
  null,
  'Hi',
  'explain how a heat pump  warms a house in winter.',
  'Explain how a heat pump warms a house in winters?',
  `Answer this: ${BLACK_BODY}`,
  "I'm sorry, but I can't help with that.",
];
const ALL: Quality = {
  length: { minWords: 2 },
  refusals: true,
  language: ['en'],
  decontaminate: { ngram: 13 },
  duplicates: { near: { threshold: 0.8 } },
};

function newDeps(): ReturnType<typeof testDeps> {
  return testDeps({ python: fakePythonJobs(), root: join(temp(), 'store') });
}

async function gpqa(change: (row: Record<string, unknown>) => void = () => undefined): Promise<(spec: RunSpecInput) => void> {
  const file = join(temp(), 'gpqa.jsonl');
  const row = {
    Question: BLACK_BODY,
    'Correct Answer': 'a',
    'Incorrect Answer 1': 'b',
    'Incorrect Answer 2': 'c',
    'Incorrect Answer 3': 'd',
    'Record ID': 'rec1',
  };
  change(row);
  await writeFile(file, `${JSON.stringify(row)}\n`);
  return (spec) => {
    spec.evaluate = { tasks: [{ task: 'gpqa', data: { train: file } }] };
  };
}

async function filter(deps: ReturnType<typeof testDeps>, hash: string): Promise<FilterOutcome> {
  return await new MockActivityEnvironment().run(
    async () => await createFilterActivities(deps).filterInstructions({ runId: 'run', plan: hash }),
  );
}

async function verdicts(deps: ReturnType<typeof testDeps>, plan: RunPlan): Promise<FilterRow[]> {
  const rows = await Promise.all(
    plan.shards.map(async (shard) => {
      const manifest = await deps.stages.find(filterStage.at(plan, shard));
      return manifest === undefined ? [] : await deps.stages.readRows(manifest);
    }),
  );
  return rows.flat();
}

test('every filter drops what it is for, over shards, with its reason among the failures', async () => {
  const deps = newDeps();
  const { plan, hash } = await planWithFilters(deps, ALL, { instructions: 8, shardSize: 3, change: await gpqa() });
  await writeExtraction(deps, plan, (index) => TEXTS[index] ?? null);
  expect(await filter(deps, hash)).toEqual({ kept: [1, 0, 0] });

  const rows = await verdicts(deps, plan);
  expect(rows.map(({ instructionId, reason }) => `${instructionId} ${reason}`)).toEqual([
    'i0000000 null',
    'i0000001 language',
    'i0000003 too short',
    'i0000004 duplicate',
    'i0000005 near duplicate',
    'i0000006 contaminated',
    'i0000007 refusal',
  ]);
  expect(rows.map(({ matches }) => matches ?? []).flat()).toEqual([
    { task: 'gpqa', documentId: 'rec1', ngram: 'a star that radiates as a black body shrinks to half its radius' },
  ]);
  const verdictsOfSecond = (await deps.stages.latest(filterStage.at(plan, plan.shards[1]!)))!;
  expect(detailOf(verdictsOfSecond)).toEqual({ extracted: 3, kept: 0, dropped: { 'too short': 1, duplicate: 1, 'near duplicate': 1 } });
  expect(await deps.stages.readFailures(verdictsOfSecond.manifest)).toContainEqual({
    stage: 'filter',
    id: 'i0000004',
    model: null,
    reason: 'duplicate: of i0000000',
    attempts: 0,
  });
  expect((await readInstructions(deps.stages, plan, plan.shards[0]!)).map(({ id }) => id)).toEqual(['i0000000']);
  expect(await readInstructions(deps.stages, plan, plan.shards[2]!)).toEqual([]);
});

test('verdicts that are stored are not made again, unless an earlier text is another one', async () => {
  const deps = newDeps();
  const { plan, hash } = await planWithFilters(deps, { duplicates: { exact: true } }, { instructions: 4, shardSize: 2 });
  await writeExtraction(deps, plan, (index) => ['one', 'two', 'ONE', 'three'][index] ?? null);
  expect(await filter(deps, hash)).toEqual({ kept: [2, 1] });
  const before = await deps.stages.latest(filterStage.at(plan, plan.shards[1]!));
  expect(await filter(deps, hash)).toEqual({ kept: [2, 1] });
  expect(await deps.stages.latest(filterStage.at(plan, plan.shards[1]!))).toEqual(before);

  await rm(join(deps.root, deps.stages.folder(extractStage.at(plan, plan.shards[0]!).address)), { recursive: true });
  await writeExtraction(deps, plan, (index) => ['uno', 'two', 'ONE', 'three'][index] ?? null);
  expect(await filter(deps, hash)).toEqual({ kept: [2, 2] });
});

test('a longer run begins with the verdicts of a shorter one', async () => {
  const deps = newDeps();
  const quality: Quality = { duplicates: { exact: true } };
  const short = await planWithFilters(deps, quality, { instructions: 4, shardSize: 2 });
  const long = await planWithFilters(deps, quality, { instructions: 6, shardSize: 2 });
  expect(long.plan.keys.filter).toBe(short.plan.keys.filter);
  await writeExtraction(deps, long.plan, (index) => ['one', 'two', 'One', 'three', 'THREE', 'four'][index] ?? null);
  expect(await filter(deps, short.hash)).toEqual({ kept: [2, 1] });
  const first = await verdicts(deps, short.plan);
  expect(await filter(deps, long.hash)).toEqual({ kept: [2, 1, 1] });
  expect((await verdicts(deps, long.plan)).slice(0, 4)).toEqual(first);
});

test('evaluation data that has changed since the plan was made is refused', async () => {
  const deps = newDeps();
  const { plan, hash } = await planWithFilters(deps, { decontaminate: {} }, { instructions: 3, shardSize: 3, change: await gpqa() });
  await writeExtraction(deps, plan, String);
  await gpqa((row) => (row['Question'] = 'Another?'));
  await expect(filter(deps, hash)).rejects.toThrow('has changed since the run began; start the run again');
});

test('sets that are on the hub are fetched once, by Python, and searched like local ones', async () => {
  const asked: string[] = [];
  const deps = testDeps({
    root: join(temp(), 'store'),
    python: {
      async run({ command, spec }) {
        asked.push(`${command} ${'task' in spec ? spec.task : ''}`);
        const path = join(temp(), 'documents.jsonl');
        await writeFile(path, `${JSON.stringify({ id: 'q1', text: BLACK_BODY })}\n`);
        return resultSchemaOf(command).parse({ protocol: 1, kind: 'documents', path, rows: 1 });
      },
    },
  });
  const change = (spec: RunSpecInput): void => void (spec.evaluate = { tasks: [{ task: 'mmlu_pro' }, { task: 'gpqa' }] });
  const { plan, hash } = await planWithFilters(deps, { decontaminate: {} }, { instructions: 3, shardSize: 3, change });
  await writeExtraction(deps, plan, (index) => [BLACK_BODY, 'Something else.', 'And another.'][index] ?? null);
  const fetchDocuments = async (): Promise<unknown> =>
    await new MockActivityEnvironment().run(async () => await createDocumentsActivities(deps).fetchDocuments({ runId: 'run', plan: hash }));
  expect(await fetchDocuments()).toEqual({ documents: 2 });
  expect(await fetchDocuments()).toEqual({ documents: 2 });
  expect(asked).toEqual(['documents mmlu_pro', 'documents gpqa']);
  expect(await filter(deps, hash)).toEqual({ kept: [2] });
  expect((await verdicts(deps, plan))[0]).toMatchObject({
    detail: 'gpqa q1 and 1 more',
    matches: [
      { task: 'gpqa', documentId: 'q1' },
      { task: 'mmlu_pro', documentId: 'q1' },
    ],
  });
});

test('a cancelled filter ends without having written what it has not judged', async () => {
  const deps = newDeps();
  const { plan, hash } = await planWithFilters(deps, { duplicates: { exact: true } }, { instructions: 4, shardSize: 2 });
  await writeExtraction(deps, plan, String);
  const environment = new MockActivityEnvironment();
  environment.cancel('CANCELLED');
  await expect(
    environment.run(async () => await createFilterActivities(deps).filterInstructions({ runId: 'run', plan: hash })),
  ).rejects.toThrow('CANCELLED');
  expect(await verdicts(deps, plan)).toEqual([]);
});
