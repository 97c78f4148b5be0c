import fs, { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Bootstrap {
  bootstrap(options: { readonly root: string }): Promise<void>;
  checkNode(version: string): void;
  needsInstall(root: string): boolean;
  needsBuild(root: string): boolean;
  sourcesHash(root: string): string;
  withLock<T>(folder: string, body: () => Promise<T>): Promise<T>;
  readonly BUILD_STAMP: string;
}
const bootstrap = jest.requireActual<Bootstrap>('../../../bin/bootstrap.js');

const LOCK = {
  packages: {
    '': { name: 'rehearse' },
    'node_modules/one': { version: '1.0.0', integrity: 'sha512-one' },
    'node_modules/other-platform': { version: '2.0.0', optional: true },
  },
};

/** A checkout in small, installed and built. */
function checkout() {
  const root = mkdtempSync(join(tmpdir(), 'rehearse-checkout-'));
  const write = (file: string, content: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  };
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) write(file, '{}');
  write('package-lock.json', JSON.stringify(LOCK));
  write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/one': LOCK.packages['node_modules/one'] } }));
  write('cli/main.ts', 'export {};');
  write('method/deep/inner.ts', 'export {};');
  write(bootstrap.BUILD_STAMP, bootstrap.sourcesHash(root));
  return { root, write };
}

test('nothing is to be done in a checkout that is installed and built', () => {
  const { root } = checkout();
  expect([bootstrap.needsInstall(root), bootstrap.needsBuild(root)]).toEqual([false, false]);
});

test.each([
  ['another version', { 'node_modules/one': { version: '1.0.1', integrity: 'sha512-one' } }],
  ['other contents', { 'node_modules/one': { version: '1.0.0', integrity: 'sha512-two' } }],
  ['no such package', {}],
])('packages are installed when node_modules has %s', (_, packages) => {
  const { root, write } = checkout();
  write('node_modules/.package-lock.json', JSON.stringify({ packages }));
  expect(bootstrap.needsInstall(root)).toBe(true);
});

test('packages are installed when an installation was cut off', () => {
  const { root, write } = checkout();
  write('node_modules/.package-lock.json', '{"packages": {"node_mod');
  expect(bootstrap.needsInstall(root)).toBe(true);
});

test('a folder without package-lock.json is called what it is', () => {
  expect(() => bootstrap.needsInstall(mkdtempSync(join(tmpdir(), 'rehearse-empty-')))).toThrow(/not a whole checkout/);
});

test.each(['cli/main.ts', 'method/deep/inner.ts', 'config/new.ts', 'package-lock.json', 'tsconfig.json'])(
  'sources are compiled again when %s changes',
  (file) => {
    const { root, write } = checkout();
    write(file, '{"changed": true}');
    expect(bootstrap.needsBuild(root)).toBe(true);
  },
);

test('sources are not compiled again for what the build does not read', () => {
  const { root, write } = checkout();
  for (const file of ['test/new.test.ts', 'README.md', 'config/demo.yaml']) write(file, 'changed');
  expect(bootstrap.needsBuild(root)).toBe(false);
});

test('moving code from one file to another is a change', () => {
  const { root, write } = checkout();
  write('cli/main.ts', 'export {};export {};');
  write('method/deep/inner.ts', '');
  expect(bootstrap.needsBuild(root)).toBe(true);
});

test.each(['20.18.9', '18.20.0'])('Node %s is refused, with the version that is needed', (version) => {
  expect(() => bootstrap.checkNode(version)).toThrow(/needs Node 20\.19 or later/);
});

test.each(['20.19.0', '20.20.2', '22.0.0'])('Node %s is accepted', (version) => {
  expect(() => bootstrap.checkNode(version)).not.toThrow();
});

test('set-ups of one checkout take turns, and one that was killed does not block the next', async () => {
  const { root } = checkout();
  const folder = join(root, '.rehearse', 'bootstrap.lock');
  mkdirSync(folder, { recursive: true });
  // The number of a process that cannot exist.
  writeFileSync(join(folder, 'pid'), String(2 ** 30));
  const order: string[] = [];
  const setUp = async (name: string) =>
    await bootstrap.withLock(folder, async () => {
      expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(String(process.pid));
      order.push(`${name} in`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} out`);
    });
  const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  await Promise.all([setUp('one'), setUp('two')]);
  said.mockRestore();
  expect(order).toEqual(['one in', 'one out', 'two in', 'two out']);
});

test('a checkout that was found whole is looked at again only when a file has changed', async () => {
  const { root, write } = checkout();
  await bootstrap.bootstrap({ root }); // remembers what it saw
  const read = jest.spyOn(fs, 'readFileSync');
  await bootstrap.bootstrap({ root });
  const files = read.mock.calls.map(([file]) => String(file));
  read.mockRestore();
  expect(files).toEqual([join(root, 'dist', '.looked-sha256')]);

  write('method/deep/inner.ts', 'export  ;');
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(bootstrap.bootstrap({ root })).rejects.toThrow(/compiling failed/); // there is no compiler in it
  jest.restoreAllMocks();
});
