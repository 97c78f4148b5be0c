import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushRepository, type PushOptions } from '../../export/push-repository';
import { FakeHub } from '../support/fake-hub';
import { useTempFolder } from '../support/temp-folder';

const TOKEN = 'hf_thisIsASecret';
const temp = useTempFolder();
let hub: FakeHub;

beforeEach(async () => {
  hub = await FakeHub.start(TOKEN, 'me');
  await mkdir(join(temp(), 'data'));
  await writeFile(join(temp(), 'README.md'), '# A set');
  await writeFile(join(temp(), 'data/train.parquet'), Buffer.from('PAR1 some rows PAR1'));
});

afterEach(async () => {
  await hub.close();
});

const filesAt = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, join(temp(), name)]));

const options = (more: Partial<PushOptions> = {}): PushOptions => ({
  type: 'dataset',
  files: filesAt('README.md', 'data/train.parquet'),
  name: 'me/set',
  token: TOKEN,
  hubUrl: hub.url,
  isPrivate: false,
  title: 'Replay set of demo',
  ...more,
});

test('the card and the rows arrive in one commit, as they are', async () => {
  expect(await pushRepository(options())).toEqual({ url: `${hub.url}/datasets/me/set`, commit: 'c0ffee', existed: false });
  const { files, commits, isPrivate } = hub.repositories.get('me/set')!;
  expect([...files.keys()].sort()).toEqual(['README.md', 'data/train.parquet']);
  for (const [name, content] of files) expect(content.equals(await readFile(join(temp(), name)))).toBe(true);
  expect({ commits, isPrivate }).toEqual({ commits: ['Replay set of demo'], isPrivate: false });
});

test('a second push is a second commit of the same repository', async () => {
  await pushRepository(options({ isPrivate: true }));
  await writeFile(join(temp(), 'README.md'), '# A better set');
  expect(await pushRepository(options({ isPrivate: true }))).toMatchObject({ existed: true });
  const { files, commits, isPrivate } = hub.repositories.get('me/set')!;
  expect([files.get('README.md')!.toString(), commits.length, isPrivate]).toEqual(['# A better set', 2, true]);
});

test('what is to be private is not put into a public repository', async () => {
  await pushRepository(options());
  await expect(pushRepository(options({ isPrivate: true }))).rejects.toThrow(
    'the data set me/set is there already, and public; make it private',
  );
  expect(hub.repositories.get('me/set')!.commits).toHaveLength(1);
});

test.each<[string, Partial<PushOptions>, RegExp]>([
  ['a token that the hub does not know', { token: 'hf_anotherSecret' }, /does not know the token in HF_TOKEN \(HTTP 401\)/],
  ['a place of somebody else', { name: 'them/set' }, /may not write to the data set them\/set \(HTTP 403\)/],
  [
    'a hub that is not there',
    { hubUrl: 'http://127.0.0.1:9' },
    /http:\/\/127\.0\.0\.1:9 cannot be reached for pushing the data set me\/set/,
  ],
])('%s is one sentence with the way out, without the token', async (_, more, message) => {
  const error: unknown = await pushRepository(options(more)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'PushError', message: expect.stringMatching(message) as string });
  const { message: said, stack = '', cause } = error as Error;
  expect(`${said}${stack}${JSON.stringify(cause)}`).not.toMatch(/hf_\w+Secret|hf_thisIsASecret/);
});

test('a model is pushed as one, with all of its files', async () => {
  await writeFile(join(temp(), 'model.safetensors'), 'weights');
  const pushed = await pushRepository(options({ type: 'model', name: 'me/model', files: filesAt('README.md', 'model.safetensors') }));
  expect(pushed).toEqual({ url: `${hub.url}/me/model`, commit: 'c0ffee', existed: false });
  const { files } = hub.repositories.get('me/model')!;
  expect([files.get('README.md')!.toString(), files.get('model.safetensors')!.toString()]).toEqual(['# A set', 'weights']);
});
