import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, LocalArtifactStore, makeFolder } from '../../../services/store/artifact-store';
import { sha256 } from '../../../stages/sha256';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const store = (): LocalArtifactStore => new LocalArtifactStore({ root: temp() });

test('what is written is read back, byte for byte, and replaces what was there', async () => {
  await store().write('a/b/c.bin', 'first');
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  await store().write('a/b/c.bin', bytes);
  expect(await store().read('a/b/c.bin')).toEqual(Buffer.from(bytes));
  expect(await store().list('a/b')).toEqual(['c.bin']);
});

test('a file that is not there reads as undefined, also when its folder is a file', async () => {
  await store().write('a', 'x');
  expect(await store().read('nothing/here')).toBeUndefined();
  expect(await store().read('a/b')).toBeUndefined();
});

test('a folder that is not there lists as empty', async () => {
  expect(await store().list('nothing')).toEqual([]);
});

test('a listing is sorted', async () => {
  for (const name of ['b', 'a', 'C']) await store().write(`folder/${name}`, '');
  expect(await store().list('folder')).toEqual(['C', 'a', 'b']);
});

test('of twenty that create the same file exactly one wins, and its content stays', async () => {
  const won = await Promise.all(Array.from({ length: 20 }, async (_, index) => await store().create('manifest.json', `writer ${index}`)));
  expect(won.filter(Boolean)).toHaveLength(1);
  expect((await store().read('manifest.json'))?.toString()).toBe(`writer ${won.indexOf(true)}`);
});

test('neither writing nor losing a race leaves temporary files behind', async () => {
  await store().write('folder/file', 'x');
  await store().create('folder/file', 'y');
  await expect(store().write('folder/file/below', 'z')).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(await readdir(join(temp(), 'folder'))).toEqual(['file']);
});

test('a reader sees an old or a new file, never a part of one', async () => {
  const contents = ['a', 'b'].map((letter) => letter.repeat(3_000_000));
  await store().write('file', contents[0]!);
  let writing = true;
  const writer = (async () => {
    for (let round = 1; round < 12; round++) await store().write('file', contents[round % 2]!);
    writing = false;
  })();
  let reads = 0;
  do {
    const text = (await store().read('file'))?.toString();
    expect(contents.includes(text ?? '')).toBe(true);
    reads++;
  } while (writing);
  await writer;
  expect(reads).toBeGreaterThan(1);
});

test('removing takes a folder with all it holds, and does not mind what is not there', async () => {
  await store().write('folder/sub/file', 'x');
  await store().remove('folder');
  await store().remove('folder');
  expect(await exists(join(temp(), 'folder'))).toBe(false);
});

test.each(['../outside', 'a/../../outside', '/etc/passwd', '', 'a//b', './a', 'a/.hidden', 'a\\b', 'a b', 'a/\u0000'])(
  'the path %j is refused',
  async (path) => {
    expect(() => store().location(path)).toThrow(/^artifact path ".*" is not allowed: names may hold/s);
    await expect(store().read(path)).rejects.toThrow('is not allowed');
    await expect(store().write(path, 'x')).rejects.toThrow('is not allowed');
  },
);

test('folders are made with their parents, and one that is there is no error', async () => {
  const folder = join(temp(), 'a/b/c');
  await makeFolder(folder);
  await makeFolder(folder);
  expect(await exists(folder)).toBe(true);
  await writeFile(join(temp(), 'file'), '');
  await expect(makeFolder(join(temp(), 'file/below'))).rejects.toThrow('ENOTDIR');
});

test('whether a path exists is told for files and folders', async () => {
  await mkdir(join(temp(), 'folder'));
  await writeFile(join(temp(), 'folder/file'), '');
  expect(await Promise.all(['folder', 'folder/file', 'folder/none', 'folder/file/none'].map((path) => exists(join(temp(), path))))).toEqual(
    [true, true, false, false],
  );
});

test('sha256 is the one of FIPS 180-4', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
