import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SetupReporter } from '../../../services/local/setup-reporter';
import { ensureTemporal } from '../../../services/local/temporal-binary';

/** Where the SDK's download finds no host, whatever this machine can reach. */
const OFFLINE = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9', ALL_PROXY: 'http://127.0.0.1:9' };

function scene() {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-temporal-'));
  const path = join(folder, 'bin');
  mkdirSync(path);
  const said: string[] = [];
  const reporter: SetupReporter = {
    step: () => ({ update: (text) => said.push(text), done: (text) => said.push(text), fail: (text) => said.push(text) }),
  };
  return {
    said,
    cache: join(folder, 'cache'),
    program: (name: string, script: string): string => {
      const file = join(path, name);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
      return file;
    },
    ensure: async () =>
      await ensureTemporal(reporter, { env: { ...OFFLINE, PATH: `${path}:/usr/bin:/bin` }, cache: join(folder, 'cache') }),
  };
}

/** What `go install` does, as far as we see it: it writes a command to GOBIN. */
const GO =
  'echo "$@" > "$(dirname "$0")/go-args"\necho "go: downloading example.com/module v1" >&2\nprintf \'#!/bin/sh\\necho built\\n\' > "$GOBIN/temporal"\nchmod +x "$GOBIN/temporal"';

test('the command on PATH is taken before all else, without a word', async () => {
  const { program, ensure, said } = scene();
  const file = program('temporal', 'echo temporal version 1.5.1');
  program('go', GO);
  expect(await ensure()).toEqual({ path: file, source: 'path' });
  expect(said).toEqual([]);
});

test('when PATH has none and the download fails, it is built once and then found in the cache', async () => {
  const { program, ensure, said, cache } = scene();
  const go = program('go', GO);
  const built = await ensure();
  expect(built.source).toBe('go-build');
  expect(built.path.startsWith(cache)).toBe(true);
  expect(readFileSync(built.path, 'utf8')).toContain('echo built');
  expect(readFileSync(`${go}-args`, 'utf8')).toMatch(/^install .*github\.com\/temporalio\/cli\/cmd\/temporal@v\d/);
  const order = ['no "temporal" on PATH', "asking for the SDK's download", 'download failed', 'building'].map((words) =>
    said.findIndex((text) => text.includes(words)),
  );
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order[0]).toBe(0);

  program('go', 'exit 1');
  expect(await ensure()).toEqual(built);
});

test('a command on PATH that does not run is passed over, and named', async () => {
  const { program, ensure, said } = scene();
  const broken = program('temporal', 'exit 3');
  program('go', GO);
  expect((await ensure()).source).toBe('go-build');
  expect(said[0]).toContain(broken);
});

test('when nothing works one sentence says what was tried and what to install, and nothing half made stays', async () => {
  const { program, ensure, cache } = scene();
  program('go', 'echo "no required module" >&2\nexit 1');
  const error = await ensure().then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  expect(error?.message).toMatch(/download failed/);
  expect(error?.message).toMatch(/ended with exit code 1/);
  expect(error?.message).toMatch(/docs\.temporal\.io\/cli/);
  expect(error?.message).toMatch(/go\.dev\/doc\/install/);
  expect(error?.message).toMatch(/TEMPORAL_ADDRESS/);
  expect(existsSync(join(cache, 'tools', 'temporal.lock'))).toBe(false);
});
