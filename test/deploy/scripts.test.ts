import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { TASK_QUEUES } from '../../contract/task-queues';
import { ensureTemporal } from '../../services/local/temporal-server';
import { useTemporal } from '../support/temporal';

const { bootstrap } = require('../../bin/bootstrap') as { bootstrap: () => Promise<void> };
const run = promisify(execFile);
const DEPLOY = join(__dirname, '../../deploy');
const QUIET = { step: () => ({ update: () => undefined, done: () => undefined, fail: () => undefined }) };
/** Temporal's own number of the type Keyword (temporal.api.enums.v1.IndexedValueType). */
const KEYWORD = 2;

const temporal = useTemporal();
let path: string;

beforeAll(async () => {
  await bootstrap();
  path = `${dirname((await ensureTemporal(QUIET)).path)}:${process.env['PATH'] ?? ''}`;
}, 600_000);

function env(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: path, HOME: process.env['HOME'], TEMPORAL_ADDRESS: temporal().address, ...extra };
}

describe('create-namespace.sh on a real server', () => {
  const script = join(DEPLOY, 'temporal/create-namespace.sh');
  const inNamespace = { TEMPORAL_NAMESPACE: 'deployed', TEMPORAL_RETENTION: '3d' };

  test('creates the namespace with its retention and the search attributes of a run', async () => {
    await run('sh', [script], { env: env(inNamespace) });
    const { config } = await temporal().connection.workflowService.describeNamespace({ namespace: 'deployed' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(3 * 24 * 3_600);
    const { customAttributes } = await temporal().connection.operatorService.listSearchAttributes({ namespace: 'deployed' });
    expect(customAttributes).toMatchObject(Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, KEYWORD])));
  });

  test('run again changes nothing and succeeds', async () => {
    await run('sh', [script], { env: env(inNamespace) });
    const { stdout } = await run('sh', [script], { env: env(inNamespace) });
    expect(stdout.trim().split('\n')).toEqual([
      'namespace deployed is there',
      ...SEARCH_ATTRIBUTES.map(({ name }) => `search attribute ${name} is there`),
    ]);
  });
});

describe('healthcheck.js', () => {
  const check = async (queue: string, extra: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    await run(process.execPath, [join(DEPLOY, 'healthcheck.js'), queue], { env: env(extra) });

  test('fails for a workflow worker that does not poll, and passes once it does', async () => {
    await expect(check('orchestration')).rejects.toMatchObject({
      code: 1,
      stderr: `unhealthy: no worker of ${hostname()} polls the queue orchestration at ${temporal().address}\n`,
    });
    const worker = await Worker.create({
      connection: temporal().nativeConnection,
      taskQueue: TASK_QUEUES.orchestration,
      workflowsPath: require.resolve('../../workflows'),
    });
    await worker.runUntil(async () => {
      const { workflowService } = temporal().connection;
      const pollers = async (): Promise<number> =>
        (
          await workflowService.describeTaskQueue({
            namespace: 'default',
            taskQueue: { name: TASK_QUEUES.orchestration },
            taskQueueType: 1,
          })
        ).pollers?.length ?? 0;
      while ((await pollers()) === 0) await new Promise(setImmediate);
      await check('orchestration');
    });
  });

  test('passes for an activity worker that reaches its server, for a full one does not poll', async () => {
    await expect(check('gpu')).resolves.toBeDefined();
  });

  test('fails when the server is not there', async () => {
    await expect(check('cpu', { TEMPORAL_ADDRESS: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^unhealthy: no Temporal server answers at 127\.0\.0\.1:1/) as string,
    });
  });

  test('fails when the namespace is not there', async () => {
    await expect(check('cpu', { TEMPORAL_NAMESPACE: 'nowhere' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nowhere') as string,
    });
  });
});

test.each(['setup-schema.sh', 'create-namespace.sh'])('%s is a script that a plain sh can read', async (name) => {
  await expect(run('sh', ['-n', join(DEPLOY, 'temporal', name)])).resolves.toEqual({ stdout: '', stderr: '' });
});
