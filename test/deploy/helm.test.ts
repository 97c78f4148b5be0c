import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { QUEUE_NAMES } from '../../contract/task-queues';
import { sharedOptions } from '../../workers/setting';

const CHART = join(__dirname, '../../deploy/helm/rehearse');
const read = (path: string): string => readFileSync(join(CHART, path), 'utf8');
const VALUES = parse(read('values.yaml')) as {
  readonly workers: Readonly<Record<string, { readonly terminationGracePeriodSeconds: number }>>;
};
const validate = new Ajv().compile(JSON.parse(read('values.schema.json')) as object);

// `npm run test:long helm` lints and renders it.
test('the chart is of this release', () => {
  const { version } = JSON.parse(readFileSync(join(CHART, '../../../package.json'), 'utf8')) as { version: string };
  expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
});

test('its schema takes its own values and every example, and no other names', () => {
  for (const file of ['values.yaml', ...readdirSync(join(CHART, 'ci')).map((name) => `ci/${name}`)]) {
    expect([file, validate(parse(read(file))), validate.errors]).toEqual([file, true, null]);
  }
  expect(validate({ workers: { lmm: {} } })).toBe(false);
  expect(validate({ modelKeys: { openai: 'sk-…' } })).toBe(false);
});

test('it has a deployment for every task queue, each with more time to drain than its worker takes', () => {
  expect(new Set(Object.keys(VALUES.workers))).toEqual(new Set<string>(QUEUE_NAMES));
  expect(sharedOptions.shutdownGraceTime).toBe('2 minutes');
  for (const { terminationGracePeriodSeconds } of Object.values(VALUES.workers)) expect(terminationGracePeriodSeconds).toBeGreaterThan(150);
});

test('its templates read only values that there are', () => {
  const templates = readdirSync(join(CHART, 'templates')).map((name) => read(`templates/${name}`));
  const paths = new Set(
    templates.flatMap((text) => [...text.matchAll(/(?:\$v|\.Values)\.([a-zA-Z][\w.]*)/g)].map(([, path = '']) => path)),
  );
  expect(paths.size).toBeGreaterThan(20);
  const missing = [...paths].filter(
    (path) => path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], VALUES) === undefined,
  );
  expect(missing).toEqual([]);
});
