import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createWeightsResolver } from '../../../services/training/weights';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const resolver = createWeightsResolver(async (name) => {
  if (name !== 'small') throw new Error(`no model "${name}" ships with this project`);
  return '/models/small';
});

async function checkpoint(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = join(temp(), name);
  await mkdir(folder, { recursive: true });
  for (const [file, data] of Object.entries(files)) await writeFile(join(folder, file), data);
  return folder;
}

const FILES = { 'model.safetensors': 'weights', 'config.json': '{}', 'tokenizer.json': '{"a":1}' };

test('a model that ships with a package is its directory, and its name stands for it', async () => {
  expect(await resolver.resolve('builtin:small', undefined)).toEqual({ path: '/models/small', identity: 'builtin:small' });
  await expect(resolver.resolve('builtin:large', undefined)).rejects.toThrow('no model "large"');
});

test('a hub id is told apart by its revision', async () => {
  const pinned = await resolver.resolve('org/model', 'abc');
  expect(pinned.path).toBe('org/model');
  expect(pinned.identity).not.toBe((await resolver.resolve('org/model', 'def')).identity);
  expect(pinned.identity).not.toBe((await resolver.resolve('org/model', undefined)).identity);
});

test('a directory is told apart by what it holds, not by where it lies', async () => {
  const folder = await checkpoint('a', FILES);
  const { path, identity } = await resolver.resolve(folder, undefined);
  expect(path).toBe(folder);
  await rename(folder, join(temp(), 'b'));
  expect((await resolver.resolve(join(temp(), 'b'), undefined)).identity).toBe(identity);
});

test.each([
  ['another weight file', { ...FILES, 'model.safetensors': 'WEIGHTS' }],
  ['another configuration', { ...FILES, 'config.json': '{"x":1}' }],
  ['another chat template', { ...FILES, 'chat_template.jinja': '{{ x }}' }],
  ['one shard more', { ...FILES, 'model-2.safetensors': 'weights' }],
])('%s is another identity', async (_, files) => {
  const before = await resolver.resolve(await checkpoint('a', FILES), undefined);
  expect((await resolver.resolve(await checkpoint('b', files), undefined)).identity).not.toBe(before.identity);
});

test('a change at the end of a large file is noticed, and a file beside the model is not', async () => {
  const large = Buffer.alloc(3 << 20, 7);
  const changed = Buffer.from(large);
  changed[changed.length - 1] = 8;
  const before = await resolver.resolve(await checkpoint('a', { 'model.safetensors': large }), undefined);
  expect((await resolver.resolve(await checkpoint('b', { 'model.safetensors': large, 'README.md': 'hello' }), undefined)).identity).toBe(
    before.identity,
  );
  expect((await resolver.resolve(await checkpoint('c', { 'model.safetensors': changed }), undefined)).identity).not.toBe(before.identity);
});

test('a directory without weights is refused, since nothing would stand for them', async () => {
  const folder = await checkpoint('a', { 'config.json': '{}' });
  await expect(resolver.resolve(folder, undefined)).rejects.toThrow(
    `target.weights is ${folder}, which holds no .safetensors, .bin or .gguf file; name the directory of a checkpoint`,
  );
});

test('a directory that is not there is told by its name', async () => {
  await expect(resolver.resolve('/no/such/folder', undefined)).rejects.toThrow(
    /^target\.weights is \/no\/such\/folder, which cannot be read as a directory: ENOENT/,
  );
});

test('a tilde is the home directory', async () => {
  await expect(resolver.resolve('~/no-such-folder-of-rehearse', undefined)).rejects.toThrow(
    `target.weights is ${homedir()}/no-such-folder-of-rehearse,`,
  );
});
