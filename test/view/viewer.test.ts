import { rm } from 'node:fs/promises';
import type { ReplayRow } from '../../method/records';
import { selectStage } from '../../stages/select';
import { openViewer, type OpenViewer } from '../support/open-viewer';
import { writeSampleRun, type SampleRun } from '../support/sample-run';

jest.setTimeout(120_000);

let run: SampleRun;
let viewer: OpenViewer;

beforeAll(async () => {
  run = await writeSampleRun();
  viewer = await openViewer(run.root);
  await settled(viewer);
});
afterAll(async () => {
  await viewer.close();
  await rm(run.root, { recursive: true, force: true });
});

/** Waits until the index is up to date. */
async function settled(of: OpenViewer): Promise<Record<string, unknown>> {
  for (;;) {
    const state = JSON.parse((await of.get('state')).body) as { waiting: number; parts: number };
    if (state.waiting === 0 && state.parts > 0) return state;
  }
}

/** Ids of a list, in its order. */
function ids(html: string): string[] {
  return [...html.matchAll(/<li data-id="(i\d{7})"/g)].map(([, id]) => id!);
}

test('every instruction of the run is listed with its score, the lost ones too', async () => {
  const { status, body } = await viewer.get('');
  expect(status).toBe(200);
  expect(ids(body)).toHaveLength(16);
  expect(body).toContain('14 instructions');
  expect(body).toContain('lost before there was a text');
  expect(viewer.errors).toEqual([]);
});

test('the list is what the exported rows say, by each filter', async () => {
  const replay: ReplayRow[] = [];
  for (const shard of run.plan.shards) replay.push(...(await run.stages.inputRows(selectStage.at(run.plan, shard))));
  const best = Math.max(...replay.map(({ meanScore }) => meanScore));
  const listed = async (query: string): Promise<string[]> => ids((await viewer.get(`?${query}`)).body);
  expect(await listed(`min=${best - 1e-9}`)).toEqual(replay.filter(({ meanScore }) => meanScore === best).map((row) => row.instructionId));
  expect(await listed(`max=${best - 1e-9}`)).toEqual(
    replay.filter(({ meanScore }) => meanScore < best - 1e-9).map((row) => row.instructionId),
  );
  expect(await listed('generator=careful')).toEqual(replay.filter(({ model }) => model === 'careful').map((row) => row.instructionId));
  expect((await listed('sort=best'))[0]).toBe(replay.find(({ meanScore }) => meanScore === best)!.instructionId);
  expect(await listed('failure=extract')).toEqual(['i0000003', 'i0000011']);
  expect(await listed('failure=judge')).toHaveLength(1);
  expect(await listed('state=kept')).toEqual(replay.map((row) => row.instructionId));
  expect(await listed('finish=length')).toHaveLength(14);
  expect(await listed('longer=100000')).toEqual([]);
  expect(await listed('spread=4.9')).toEqual([]);
  const word = replay[2]!.instruction.slice(0, 20);
  expect(await listed(`q=${encodeURIComponent(word.toUpperCase())}`)).toContain(replay[2]!.instructionId);
});

test.each([
  ["q=' OR 1=1 --", []],
  ["generator=careful'; DROP TABLE items; --", []],
  ['q=%25', []],
  ['q=_', []],
])('%j is looked for as it stands, and nothing of it is SQL', async (query, expected) => {
  const { status, body } = await viewer.get(`?${query.replaceAll(' ', '%20')}`);
  expect(status).toBe(200);
  expect(ids(body)).toEqual(expected);
  expect(ids((await viewer.get('')).body)).toHaveLength(16);
});

test('numbers and orders that are none narrow nothing', async () => {
  const { status, body } = await viewer.get('?min=abc&max=1e999&longer=&sort=evil&page=-3&topic=x');
  expect(status).toBe(200);
  expect(ids(body)).toHaveLength(16);
});

test('an instruction has its nine answers and all that the judges wrote of them', async () => {
  const { body } = await viewer.get('i/i0000004?sort=best');
  expect(body.match(/<section class="answer/g)).toHaveLength(9);
  expect(body.match(/<section class="answer kept/g)).toHaveLength(1);
  expect(body.match(/<dt><b>/g)).toHaveLength(27);
  expect(body).toContain('The answer addresses the question and is mostly clear.');
  expect(body).toMatch(/rel="(next|prev)" href="[^"]*\/i\/i\d{7}\?sort=best"/);
});

test('an answer that was lost says why', async () => {
  const { body } = await viewer.get('i/i0000006');
  expect(body).toContain('no answer: empty');
});

test('what there is not is said so', async () => {
  expect((await viewer.get('i/i9999999')).status).toBe(404);
  expect((await viewer.get('nowhere')).status).toBe(404);
  const elsewhere = new URL(viewer.url).pathname;
  expect((await viewer.raw({ path: `${elsewhere}no-such-run/` })).status).toBe(404);
  expect((await viewer.raw({ path: `${elsewhere}..%2F..%2Fplans/` })).status).toBe(404);
  expect((await viewer.raw({ path: `${elsewhere}%E0%A4%A/` })).status).toBe(400);
});

test('shards that end later are shown without a new start', async () => {
  const growing = await writeSampleRun({ runId: 'grows', until: 'first shard' });
  const looking = await openViewer(growing.root, { runId: 'grows' });
  try {
    await settled(looking);
    expect(ids((await looking.get('')).body)).toHaveLength(8);
    await writeSampleRun({ runId: 'grows', root: growing.root, until: 'select' });
    for (;;) if (ids((await looking.get('')).body).length === 16) break;
    expect(looking.errors).toEqual([]);
  } finally {
    await looking.close();
    await rm(growing.root, { recursive: true, force: true });
  }
});
