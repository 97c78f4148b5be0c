import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import Ajv from 'ajv/dist/2020';
import { QUEUE_NAMES } from '../../contract/task-queues';
import { sharedOptions } from '../../workers/setting';
import { COMPOSE_TEXT, loadCompose } from '../support/compose/compose-file';

const ROOT = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const EXAMPLE = parseEnv(read('deploy/env.example')) as Record<string, string>;

const { services, volumes } = loadCompose({ ...EXAMPLE, POSTGRES_PASSWORD: 'x' });
const entries = Object.entries(services);
const WORKERS = entries.filter(([, { command, build }]) => build !== undefined && command?.[0] === 'worker');
const JOBS = ['temporal-schema', 'temporal-namespace'];

test('the file follows the Compose specification', () => {
  const ajv = new Ajv({ strictTypes: false }); // the schema leaves types out where they follow
  const validate = ajv.compile(JSON.parse(read('test/fixtures/compose-spec.schema.json')) as object);
  const valid = validate(loadCompose({ ...EXAMPLE, POSTGRES_PASSWORD: 'x' }));
  expect(validate.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(validate({ services: { a: { image: 'x', prots: ['80'] } } })).toBe(false);
});

test('every port is published on loopback only, and the database on none', () => {
  const published = entries.flatMap(([, { ports = [] }]) => ports);
  expect(published).toEqual(['127.0.0.1:7233:7233', '127.0.0.1:8080:8080']);
  expect(services['postgresql']?.ports).toBeUndefined();
});

test.each(entries.filter(([name]) => !JOBS.includes(name) && name !== 'cli'))(
  '%s stays up and says whether it is healthy',
  (_, service) => {
    expect(service.restart).toBe('unless-stopped');
    expect(service.healthcheck?.test[0]).toMatch(/^CMD/);
  },
);

test.each(JOBS)('%s runs to its end before anything needs it', (name) => {
  expect(services[name]?.restart).toMatch(/^on-failure/);
  const waiting = entries.filter(([, { depends_on }]) => depends_on?.[name] !== undefined);
  expect(waiting.length).toBeGreaterThan(0);
  for (const [, { depends_on }] of waiting) expect(depends_on?.[name]?.condition).toBe('service_completed_successfully');
});

test.each(entries)('%s waits for services that are there, until they are fit', (_, { depends_on = {} }) => {
  for (const [name, { condition }] of Object.entries(depends_on)) {
    expect(Object.keys(services)).toContain(name);
    expect(condition).toBe(JOBS.includes(name) ? 'service_completed_successfully' : 'service_healthy');
  }
});

test.each(entries)('the image of %s has an exact version', (_, { image }) => {
  expect(image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?$/);
  expect(image).not.toContain('auto-setup');
});

test("the schema and the namespace are made by the tools of the server's own version", () => {
  const tag = (name: string): string | undefined => services[name]?.image.split(':')[1];
  expect(tag('temporal-schema')).toBe(tag('temporal'));
  expect(tag('temporal-namespace')).toBe(tag('temporal'));
});

test('histories are spread over at least 512 shards, which cannot be changed later', () => {
  expect(Number(services['temporal']?.environment?.['NUM_HISTORY_SHARDS'])).toBeGreaterThanOrEqual(512);
});

test('the example holds no secret, and without one nothing starts', () => {
  expect(EXAMPLE['POSTGRES_PASSWORD']).toBe('');
  expect(() => loadCompose(EXAMPLE)).toThrow('copy deploy/env.example to .env and set POSTGRES_PASSWORD');
  expect(Object.values(parseEnv(read('deploy/keys.env.example')))).toEqual(['']);
  expect(COMPOSE_TEXT).not.toMatch(/(PASSWORD|PWD|KEY|TOKEN|SECRET)\w*: *["']?(?!\$\{)[\w]/);
});

test('every variable of the file is in the example, and the other way round', () => {
  const used = new Set([...COMPOSE_TEXT.matchAll(/\$\{(\w+)/g)].map((match) => match[1]));
  expect(used).toEqual(new Set(Object.keys(EXAMPLE)));
});

test('every named volume is declared and used, and what is mounted from the project is there', () => {
  const sources = entries.flatMap(([, service]) => (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? ''));
  expect(new Set(sources.filter((source) => !source.startsWith('.')))).toEqual(new Set(Object.keys(volumes)));
  for (const source of sources.filter((each) => each.startsWith('.'))) expect(existsSync(join(ROOT, source))).toBe(true);
});

test('the workers serve every task queue, over one store', () => {
  const served = new Set(WORKERS.map(([, { command }]) => command?.[2]));
  expect(served).toEqual(new Set<string>(QUEUE_NAMES));
  for (const [, { volumes: mounted }] of WORKERS) expect(mounted).toContain('rehearse-data:/data');
});

test.each(WORKERS)('%s gets the signal to stop, and the time to drain', (_, { init, stop_grace_period }) => {
  expect(sharedOptions.shutdownGraceTime).toBe('2 minutes');
  expect(init).toBe(true);
  expect(Number(/^(\d+)m$/.exec(stop_grace_period ?? '')?.[1])).toBeGreaterThan(2);
});

test('without a profile there is nothing that needs a GPU, and the client is no service', () => {
  expect(entries.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name)).toEqual([
    'worker-gpu',
    'worker-training-on-cpu',
    'cli',
  ]);
});

describe('the Dockerfile', () => {
  const text = read('deploy/Dockerfile');
  const lines = text.split('\n');

  test('starts from an exact version of a Node that the project takes', () => {
    const major = Number(/^FROM node:(\d+)\.\d+\.\d+-\w+-slim AS worker$/m.exec(text)?.[1]);
    expect(major).toBeGreaterThan(20);
    expect(major % 2).toBe(0); // one with long-term support
    expect((JSON.parse(read('package.json')) as { engines: { node: string } }).engines.node).toBe('>=20.19');
  });

  test('has the targets that the compose file builds, and each ends as an ordinary user', () => {
    const targets = new Set(entries.flatMap(([, { build }]) => (build === undefined ? [] : [build.target])));
    const stages = text.split(/^(?=FROM )/m).slice(1);
    expect(new Set(stages.map((stage) => /AS (\w+)/.exec(stage)?.[1]))).toEqual(targets);
    for (const stage of stages) expect([...stage.matchAll(/^USER (\w+)$/gm)].at(-1)?.[1]).toBe('node');
  });

  test('copies files that are there', () => {
    const copied = lines.filter((line) => line.startsWith('COPY ')).flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied).toContain('package-lock.json');
    for (const path of copied) expect(existsSync(join(ROOT, path))).toBe(true);
  });

  test('leaves keys, histories and what it makes itself out of the image', () => {
    const ignored = read('deploy/Dockerfile.dockerignore').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.env', 'deploy/keys.env', '.git', '.rehearse', 'node_modules', 'dist']));
  });

  test('contains what the health checks call', () => {
    const scripts = WORKERS.map(([, { healthcheck }]) => healthcheck?.test[2] ?? '');
    expect(new Set(scripts)).toEqual(new Set(['deploy/healthcheck.js']));
    expect(statSync(join(ROOT, 'deploy/healthcheck.js')).isFile()).toBe(true);
  });
});
