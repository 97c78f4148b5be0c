import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure, MixtureRow } from '../../../method/records';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { CorruptArtifactError, noCalls, StageStore, type StageManifest, type StageOutput } from '../../../services/store/stage-store';
import { type StageAddress } from '../../../stages/address';
import type { CallRecord } from '../../../stages/call-record';
import { mixtureTable } from '../../../stages/tables';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const ADDRESS: StageAddress = { stage: 'mix', key: 'k1', part: 'all' };
const INPUT: StageAddress = { stage: 'select', key: 'k0', part: 'i0000000-i0000009' };

function stages(): StageStore {
  return new StageStore(new LocalArtifactStore({ root: temp() }));
}

function row(id: string): MixtureRow {
  return {
    id,
    source: 'new',
    messages: [
      { role: 'user', content: `question ${id} ✓` },
      { role: 'assistant', content: 'answer' },
    ],
  };
}

function output(ids: readonly string[], extra: Partial<StageOutput<MixtureRow>> = {}): StageOutput<MixtureRow> {
  return { rows: ids.map(row), failures: [], stats: noCalls('2026-01-01T00:00:00.000Z'), inputs: [], ...extra };
}

const failure: Failure = { stage: 'mix', id: 'x', model: null, reason: 'empty', attempts: 2 };
const call: CallRecord = {
  item: 'x',
  call: 0,
  request: 'r',
  at: '2026-01-01T00:00:00.000Z',
  ms: 3.5,
  reply: JSON.stringify({ choices: [{ text: 'a\u2028b' }] }),
};
const refusal: CallRecord = {
  item: 'y',
  call: 1,
  request: 'r',
  at: '2026-01-01T00:00:01.000Z',
  ms: 1,
  error: { kind: 'refused', status: 400, message: 'no' },
};

test('an output that was not committed is not found', async () => {
  expect(await stages().find(ADDRESS, 1)).toBeUndefined();
  expect(await stages().latest(ADDRESS)).toBeUndefined();
});

test('a committed output is found and read back, by another process too', async () => {
  const committed = await stages().commit(
    ADDRESS,
    1,
    mixtureTable,
    output(['a', 'b'], { failures: [failure], calls: [call, refusal], detail: { share: 0.17 } }),
  );
  const found = await stages().find(ADDRESS, 1);
  expect(found).toEqual(committed);
  expect(found).toMatchObject({
    ...ADDRESS,
    rowsVersion: 1,
    detail: { share: 0.17 },
    rows: { rows: 2 },
    failures: { rows: 1 },
    calls: { rows: 2 },
  });
  expect(await stages().readRows(found!, mixtureTable)).toEqual([row('a'), row('b')]);
  expect(await stages().readFailures(found!)).toEqual([failure]);
  expect(await stages().readCalls(found!)).toEqual([call, refusal]);
});

test('an output without rows is an output', async () => {
  const manifest = await stages().commit(ADDRESS, 1, mixtureTable, output([]));
  expect(await stages().readRows(manifest, mixtureTable)).toEqual([]);
  expect(await stages().readCalls(manifest)).toEqual([]);
});

test('another key, part, stage or version of the rows is another output', async () => {
  await stages().commit(ADDRESS, 1, mixtureTable, output(['a']));
  expect(await stages().find({ ...ADDRESS, key: 'k2' }, 1)).toBeUndefined();
  expect(await stages().find({ ...ADDRESS, part: 'i0000000-i0000001' }, 1)).toBeUndefined();
  expect(await stages().find({ ...ADDRESS, stage: 'train' }, 1)).toBeUndefined();
  expect(await stages().find(ADDRESS, 2)).toBeUndefined();
});

test('the newest version of the rows is the latest, by number and not by letter', async () => {
  for (const version of [1, 2, 10, 9]) await stages().commit(ADDRESS, version, mixtureTable, output([`v${version}`]));
  expect((await stages().latest(ADDRESS))?.rowsVersion).toBe(10);
  expect((await stages().find(ADDRESS, 2))?.rowsVersion).toBe(2);
});

test("of two attempts that end together one wins, both are told so, and the output is the winner's alone", async () => {
  const manifests = await Promise.all(['a', 'b', 'c'].map(async (id) => await stages().commit(ADDRESS, 1, mixtureTable, output([id]))));
  const found = await stages().find(ADDRESS, 1);
  expect(manifests).toEqual([found, found, found]);
  const rows = await stages().readRows(found!, mixtureTable);
  expect([[row('a')], [row('b')], [row('c')]]).toContainEqual(rows);
});

test('a later attempt does not replace what is there', async () => {
  const first = await stages().commit(ADDRESS, 1, mixtureTable, output(['first']));
  expect(await stages().commit(ADDRESS, 1, mixtureTable, output(['second']))).toEqual(first);
  expect(await stages().readRows((await stages().find(ADDRESS, 1))!, mixtureTable)).toEqual([row('first')]);
});

describe('an output that was made from another', () => {
  test('is found as long as that one stays the same', async () => {
    await stages().commit(INPUT, 1, mixtureTable, output(['in']));
    await stages().commit(ADDRESS, 1, mixtureTable, output(['out'], { inputs: [INPUT] }));
    expect(await stages().find(ADDRESS, 1)).toBeDefined();
  });

  test('is found no more when its input has other rows now, and is replaced when it is made anew', async () => {
    await stages().commit(INPUT, 1, mixtureTable, output(['in']));
    await stages().commit(ADDRESS, 1, mixtureTable, output(['old'], { inputs: [INPUT] }));
    await stages().commit(INPUT, 2, mixtureTable, output(['in', 'in2']));
    expect(await stages().find(ADDRESS, 1)).toBeUndefined();
    await stages().commit(ADDRESS, 1, mixtureTable, output(['new'], { inputs: [INPUT] }));
    expect(await stages().readRows((await stages().find(ADDRESS, 1))!, mixtureTable)).toEqual([row('new')]);
  });

  test('is still found when its input was made anew with the same rows', async () => {
    await stages().commit(INPUT, 1, mixtureTable, output(['in']));
    await stages().commit(ADDRESS, 1, mixtureTable, output(['out'], { inputs: [INPUT] }));
    await stages().commit(INPUT, 2, mixtureTable, output(['in']));
    expect(await stages().find(ADDRESS, 1)).toBeDefined();
  });

  test('is not found when its input is gone', async () => {
    const store = new LocalArtifactStore({ root: temp() });
    await stages().commit(INPUT, 1, mixtureTable, output(['in']));
    await stages().commit(ADDRESS, 1, mixtureTable, output(['out'], { inputs: [INPUT] }));
    await store.remove(stages().folder(INPUT));
    expect(await stages().find(ADDRESS, 1)).toBeUndefined();
  });

  test('is not committed when its input is gone', async () => {
    await expect(stages().commit(ADDRESS, 1, mixtureTable, output(['out'], { inputs: [INPUT] }))).rejects.toThrow(
      'input stages/select/k0/i0000000-i0000009 vanished while stages/mix/k1/all was made',
    );
  });
});

describe('damage', () => {
  async function committed(): Promise<{ manifest: StageManifest; folder: string; file: string }> {
    const manifest = await stages().commit(ADDRESS, 1, mixtureTable, output(['a']));
    const folder = join(temp(), stages().folder(ADDRESS));
    return { manifest, folder, file: join(folder, manifest.rows.file) };
  }

  test('of one bit is noticed, and the message names the file and the way out', async () => {
    const { manifest, file } = await committed();
    const data = await readFile(file);
    data[20]! ^= 1;
    await writeFile(file, data);
    await expect(stages().readRows(manifest, mixtureTable)).rejects.toThrow(
      `${file} is damaged: its checksum does not match its manifest; start the run again: what is damaged is made anew`,
    );
  });

  test('that took the file away is noticed', async () => {
    const { manifest, file } = await committed();
    await new LocalArtifactStore({ root: temp() }).remove(`${stages().folder(ADDRESS)}/${manifest.rows.file}`);
    await expect(stages().readRows(manifest, mixtureTable)).rejects.toThrow(
      `${file} is missing; start the run again: what is damaged is made anew`,
    );
  });

  test('of the manifest is noticed', async () => {
    const { folder } = await committed();
    await writeFile(join(folder, 'manifest-v1.json'), '{"stage":');
    await expect(stages().find(ADDRESS, 1)).rejects.toMatchObject({
      name: 'CorruptArtifactError',
      message: `the manifest ${join(folder, 'manifest-v1.json')} is damaged: its checksum does not match; start the run again: what is damaged is made anew`,
    });
    await expect(stages().latest(ADDRESS)).rejects.toThrow(CorruptArtifactError);
  });
});

test('the files of an output lie in one folder, each named after its content', async () => {
  const manifest = await stages().commit(ADDRESS, 1, mixtureTable, output(['a'], { calls: [call] }));
  const names = await readdir(join(temp(), 'stages/mix/k1/all'));
  expect(new Set(names)).toEqual(new Set([manifest.calls?.file, manifest.failures.file, 'manifest-v1.json', manifest.rows.file]));
  expect(manifest.rows.file).toBe(`rows-${manifest.rows.sha256.slice(0, 12)}.parquet`);
});
