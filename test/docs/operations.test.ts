import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../cli/terminal/errors';
import { createWorkerMetrics } from '../../services/metrics/worker-metrics';

const ROOT = join(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

test('every exit code is in its table, and none that there is not', () => {
  const [, table = ''] = /^## Exit codes\n([\s\S]*?)\n## /m.exec(PAGE) ?? [];
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});

test('every metric of ours is in its table', () => {
  const names = createWorkerMetrics('test')
    .names()
    .filter((name) => !/^rehearse_(process|nodejs)_|build_info$/.test(name));
  // A family is written once: `rehearse_limiter_in_flight`, `_concurrency`.
  const missing = names.filter((name) => !PAGE.includes(`\`${name}\``) && !PAGE.includes(`\`${name.replace(/^rehearse_[a-z]+/, '')}\``));
  expect(missing).toEqual([]);
});

test('every variable of the environment that the code reads is there', () => {
  const files = ['cli', 'workers', 'activities', 'services', 'python/rehearse_ml'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|py)$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  const read = new Set(files.flatMap((text) => text.match(/\bREHEARSE_[A-Z][A-Z0-9_]*[A-Z0-9]\b/g) ?? []));
  // What the code sets itself, for processes that it starts.
  const own = /^REHEARSE_(NOTICE_[A-Z]+|LAUNCHED|ON_EACH_MACHINE)$/;
  const told = (name: string): boolean => PAGE.includes(name) || own.test(name);
  expect([...read].filter((name) => !told(name))).toEqual([]);
});
