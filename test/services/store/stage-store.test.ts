import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure, MixtureRow } from '../../../method/records';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { CorruptArtifactError, noCalls, StageStore } from '../../../services/store/stage-store';
import { detailOf, type OutputContent, type StoredOutput } from '../../../services/store/stored-output';
import type { StageAddress } from '../../../stages/address';
import type { CallRecord } from '../../../stages/call-record';
import { mixStage, type MixtureDetail } from '../../../stages/mix';
import type { Output } from '../../../stages/stage';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const ADDRESS: StageAddress = { stage: 'mix', key: 'k1', part: 'all' };
const INPUT: StageAddress = { stage: 'select', key: 'k0', part: 'i0000000-i0000009' };

type MixtureOutput = Output<MixtureRow, MixtureDetail>;

const DETAIL: MixtureDetail = { replay: 1, new: 1, share: 0.5, replayLeftOut: 0, newLeftOut: 0 };

/** An output with rows like a mixture's, whatever its stage and version. */
function at(address: StageAddress, rowsVersion: number): MixtureOutput {
  return { stage: { ...mixStage, name: address.stage, rowsVersion }, address };
}

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

function output(
  ids: readonly string[],
  extra: Partial<OutputContent<MixtureRow, MixtureDetail>> = {},
): OutputContent<MixtureRow, MixtureDetail> {
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
  expect(await stages().find(at(ADDRESS, 1))).toBeUndefined();
  expect(await stages().latest(at(ADDRESS, 1))).toBeUndefined();
});

test('a committed output is found and read back, by another process too', async () => {
  const committed = await stages().commit(
    at(ADDRESS, 1),
    output(['a', 'b'], { failures: [failure], calls: [call, refusal], detail: DETAIL }),
  );
  const found = await stages().find(at(ADDRESS, 1));
  expect(found).toEqual(committed);
  expect(detailOf(found!)).toEqual(DETAIL);
  expect(found?.manifest).toMatchObject({
    ...ADDRESS,
    rowsVersion: 1,
    detail: DETAIL,
    rows: { rows: 2 },
    failures: { rows: 1 },
    calls: { rows: 2 },
  });
  expect(await stages().readRows(found!)).toEqual([row('a'), row('b')]);
  expect(await stages().readFailures(found!.manifest)).toEqual([failure]);
  expect(await stages().readCalls(found!.manifest)).toEqual([call, refusal]);
});

test('an output without rows is an output', async () => {
  const stored = await stages().commit(at(ADDRESS, 1), output([]));
  expect(await stages().readRows(stored)).toEqual([]);
  expect(await stages().readCalls(stored.manifest)).toEqual([]);
});

test('another key, part, stage or version of the rows is another output', async () => {
  await stages().commit(at(ADDRESS, 1), output(['a']));
  expect(await stages().find(at({ ...ADDRESS, key: 'k2' }, 1))).toBeUndefined();
  expect(await stages().find(at({ ...ADDRESS, part: 'i0000000-i0000001' }, 1))).toBeUndefined();
  expect(await stages().find(at({ ...ADDRESS, stage: 'train' }, 1))).toBeUndefined();
  expect(await stages().find(at(ADDRESS, 2))).toBeUndefined();
});

test('the newest version of the rows is the latest, by number and not by letter', async () => {
  for (const version of [1, 2, 10, 9]) await stages().commit(at(ADDRESS, version), output([`v${version}`]));
  expect((await stages().latest(at(ADDRESS, 1)))?.manifest.rowsVersion).toBe(10);
  expect((await stages().find(at(ADDRESS, 2)))?.manifest.rowsVersion).toBe(2);
});

test("of two attempts that end together one wins, both are told so, and the output is the winner's alone", async () => {
  const manifests = await Promise.all(['a', 'b', 'c'].map(async (id) => await stages().commit(at(ADDRESS, 1), output([id]))));
  const found = await stages().find(at(ADDRESS, 1));
  expect(manifests).toEqual([found, found, found]);
  const rows = await stages().readRows(found!);
  expect([[row('a')], [row('b')], [row('c')]]).toContainEqual(rows);
});

test('a later attempt does not replace what is there', async () => {
  const first = await stages().commit(at(ADDRESS, 1), output(['first']));
  expect(await stages().commit(at(ADDRESS, 1), output(['second']))).toEqual(first);
  expect(await stages().readRows((await stages().find(at(ADDRESS, 1)))!)).toEqual([row('first')]);
});

describe('an output that was made from another', () => {
  test('is found as long as that one stays the same', async () => {
    await stages().commit(at(INPUT, 1), output(['in']));
    await stages().commit(at(ADDRESS, 1), output(['out'], { inputs: [at(INPUT, 1)] }));
    expect(await stages().find(at(ADDRESS, 1))).toBeDefined();
  });

  test('is found no more when its input has other rows now, and is replaced when it is made again', async () => {
    await stages().commit(at(INPUT, 1), output(['in']));
    await stages().commit(at(ADDRESS, 1), output(['old'], { inputs: [at(INPUT, 1)] }));
    await stages().commit(at(INPUT, 2), output(['in', 'in2']));
    expect(await stages().find(at(ADDRESS, 1))).toBeUndefined();
    await stages().commit(at(ADDRESS, 1), output(['new'], { inputs: [at(INPUT, 1)] }));
    expect(await stages().readRows((await stages().find(at(ADDRESS, 1)))!)).toEqual([row('new')]);
  });

  test('is still found when its input was made again with the same rows', async () => {
    await stages().commit(at(INPUT, 1), output(['in']));
    await stages().commit(at(ADDRESS, 1), output(['out'], { inputs: [at(INPUT, 1)] }));
    await stages().commit(at(INPUT, 2), output(['in']));
    expect(await stages().find(at(ADDRESS, 1))).toBeDefined();
  });

  test('is not found when its input is gone', async () => {
    const store = new LocalArtifactStore({ root: temp() });
    await stages().commit(at(INPUT, 1), output(['in']));
    await stages().commit(at(ADDRESS, 1), output(['out'], { inputs: [at(INPUT, 1)] }));
    await store.remove(stages().folder(INPUT));
    expect(await stages().find(at(ADDRESS, 1))).toBeUndefined();
  });

  test('is not committed when its input is gone', async () => {
    await expect(stages().commit(at(ADDRESS, 1), output(['out'], { inputs: [at(INPUT, 1)] }))).rejects.toThrow(
      'input stages/select/k0/i0000000-i0000009 vanished while stages/mix/k1/all was made',
    );
  });
});

describe('damage', () => {
  async function committed(): Promise<{ stored: StoredOutput<MixtureRow>; folder: string; file: string }> {
    const stored = await stages().commit(at(ADDRESS, 1), output(['a']));
    const folder = join(temp(), stages().folder(ADDRESS));
    return { stored, folder, file: join(folder, stored.manifest.rows.file) };
  }

  test('of one bit is noticed, and the message names the file and the way out', async () => {
    const { stored, file } = await committed();
    const data = await readFile(file);
    data[20]! ^= 1;
    await writeFile(file, data);
    await expect(stages().readRows(stored)).rejects.toThrow(
      `${file} is damaged: its checksum does not match its manifest; start the run again: what is damaged is made again`,
    );
  });

  test('that took the file away is noticed', async () => {
    const { stored, file } = await committed();
    await new LocalArtifactStore({ root: temp() }).remove(`${stages().folder(ADDRESS)}/${stored.manifest.rows.file}`);
    await expect(stages().readRows(stored)).rejects.toThrow(`${file} is missing; start the run again: what is damaged is made again`);
  });

  test('of the manifest is noticed', async () => {
    const { folder } = await committed();
    await writeFile(join(folder, 'manifest-v1.json'), '{"stage":');
    await expect(stages().find(at(ADDRESS, 1))).rejects.toMatchObject({
      name: 'CorruptArtifactError',
      message: `the manifest ${join(folder, 'manifest-v1.json')} is damaged: its checksum does not match; start the run again: what is damaged is made again`,
    });
    await expect(stages().latest(at(ADDRESS, 1))).rejects.toThrow(CorruptArtifactError);
  });
});

test('the files of an output lie in one folder, each named after its content', async () => {
  const { manifest } = await stages().commit(at(ADDRESS, 1), output(['a'], { calls: [call] }));
  const names = await readdir(join(temp(), 'stages/mix/k1/all'));
  expect(new Set(names)).toEqual(new Set([manifest.calls?.file, manifest.failures.file, 'manifest-v1.json', manifest.rows.file]));
  expect(manifest.rows.file).toBe(`rows-${manifest.rows.sha256.slice(0, 12)}.parquet`);
});

describe('find or make', () => {
  test('makes what is not there, and makes it once', async () => {
    let made = 0;
    const make = async () => ({ rows: [row(`made ${++made}`)], detail: DETAIL, inputs: [] });
    const first = await stages().findOrMake(at(ADDRESS, 1), make);
    const second = await stages().findOrMake(at(ADDRESS, 1), make);
    expect([first.reused, second.reused, made]).toEqual([false, true, 1]);
    expect(second.manifest).toEqual(first.manifest);
    expect(await stages().readRows(second)).toEqual([row('made 1')]);
  });

  test('an input that is not there names the output and the way out', async () => {
    await expect(stages().input(at(ADDRESS, 1))).rejects.toMatchObject({
      name: 'InputLostError',
      message: 'stages/mix/k1/all is missing or its inputs have changed; start the run again to make it again',
    });
  });
});

test('a detail of another release is refused with the folder and the way out', async () => {
  const stored = await stages().commit(at(ADDRESS, 1), output(['a'], { detail: { share: 'half' } as unknown as MixtureDetail }));
  expect(() => detailOf(stored)).toThrow(
    /^the manifest of stages\/mix\/k1\/all holds another detail than this version reads \(.*replay.*remove that folder/,
  );
});
