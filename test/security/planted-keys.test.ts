import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { temporal } from '@temporalio/proto';
import { untilSynthesized } from '../../bench/follow-run';
import { paperRunSpec } from '../../bench/paper-run';
import { startRun } from '../../cli/runs/start-run';
import { pauseUpdate, resumeUpdate } from '../../contract/control';
import { NO_SETTINGS } from '../../contract/run-settings';
import { pickPort } from '../../services/local/free-port';
import { until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { rehearse } from '../support/rehearse';
import { useTempFolder } from '../support/temp-folder';
import { useTemporal } from '../support/temporal';
import { Webhook } from '../support/webhook';

const environment = useTemporal();
const folder = useTempFolder();
const RUN = 'planted';

/** The faults are for the run's own calls. */
const NOT_PROBED = { ...NO_SETTINGS, probe: false } as const;

/** Without the marks by which a key is known as one. */
const KEYS = {
  apiKey: randomBytes(20).toString('hex'),
  webhookToken: randomBytes(20).toString('hex'),
  codecKey: randomBytes(32).toString('base64'),
};
const SECRETS = [...Object.values(KEYS), 'a-secret-path'];
/** Of a key, what is enough to know it by. */
const PIECE = 8;

/** Pieces of planted secrets in a text. */
function leaks(where: string, found: string): string[] {
  return SECRETS.flatMap((secret) =>
    Array.from({ length: secret.length - PIECE + 1 }, (_, index) => secret.slice(index, index + PIECE))
      .filter((piece) => found.includes(piece))
      .map((piece) => `${where}: ${piece}`),
  );
}

/** Every event of every workflow, its payloads as the server holds them. */
async function histories(): Promise<string> {
  const { client } = environment();
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.push(Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1'));
  }
  return texts.join('\n');
}

function files(root: string): string {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('no piece of a key is in histories, logs, store, exports, metrics or crash output, though the endpoint repeats the key', async () => {
  const endpoint = await FakeEndpoint.start({ apiKey: KEYS.apiKey });
  const webhook = await Webhook.start();
  const port = await pickPort(0);
  const env = {
    PLANTED_KEY: KEYS.apiKey,
    REHEARSE_NOTIFY_URL: webhook.url,
    REHEARSE_NOTIFY_TOKEN: KEYS.webhookToken,
    REHEARSE_NOTIFY_ON: 'paused resumed failed cancelled',
    REHEARSE_METRICS: String(port),
    REHEARSE_LOG: 'debug',
    TEMPORAL_ADDRESS: environment().address,
  };
  const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(['worker', '--queue', 'orchestration', 'llm', 'cpu']);`;
  const worker = spawn(process.execPath, ['-r', resolve('test/support/ts-hook.cjs'), '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, REHEARSE_HOME: folder() },
  });
  const said = Promise.all([text(worker.stdout), text(worker.stderr)]);
  try {
    const echo = `the key ${KEYS.apiKey} may not do this (Authorization: Bearer ${KEYS.apiKey})`;
    endpoint.inject({ kind: 'status', status: 429, message: echo });
    endpoint.inject({ kind: 'status', status: 500, message: echo });
    endpoint.inject({ kind: 'body', body: echo, contentType: 'text/html' });
    endpoint.inject({ kind: 'status', status: 400, message: echo }, { when: ({ path }) => path === 'chat/completions' });
    webhook.statuses.push(500, 403);
    const spec = await paperRunSpec({ instructions: 6, baseURL: endpoint.baseURL, folder: folder(), shardSize: 3 });
    const models = Object.fromEntries(Object.entries(spec.models).map(([name, model]) => [name, { ...model, apiKeyEnv: 'PLANTED_KEY' }]));
    const { client } = environment();
    const keyed = { ...spec, models, until: 'replay' as const };
    await startRun(client, RUN, keyed, NOT_PROBED);
    await endpoint.received(8);
    const handle = client.workflow.getHandle(RUN);
    await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'to look' }] });
    await handle.executeUpdate(resumeUpdate);
    await untilSynthesized(client, RUN);
    await handle.result();
    await until(async () => (webhook.received.length >= 2 ? true : undefined));
    expect(webhook.received[0]?.headers.authorization).toBe(`Bearer ${KEYS.webhookToken}`);

    // Another run, which the endpoint refuses for good.
    endpoint.inject({ kind: 'status', status: 401, message: echo }, { times: Infinity });
    await startRun(client, `${RUN}-refused`, { ...keyed, seed: spec.seed + 1 }, NOT_PROBED);
    await expect(client.workflow.getHandle(`${RUN}-refused`).result()).rejects.toThrow('Workflow execution failed');
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

    const cli = async (...args: string[]): Promise<string> => {
      const { stdout, stderr } = await rehearse(args, { home: folder(), env });
      return stdout + stderr;
    };
    const told = [
      await cli('export', RUN, '--stage', 'failures'),
      await cli('export', RUN, '--stage', 'responses'),
      await cli('status', `${RUN}-refused`, '--json'),
      // What a crash says: keys that cannot be used, and a webhook that is none.
      (await rehearse(['status', RUN], { home: folder(), env: { ...env, REHEARSE_CODEC_KEYS: `${KEYS.codecKey}` } })).stderr,
      (await rehearse(['worker', '--queue', 'cpu'], { home: folder(), env: { ...env, REHEARSE_NOTIFY_URL: `x${webhook.url}` } })).stderr,
    ].join('\n');
    worker.kill('SIGTERM');
    await once(worker, 'exit');
    const log = (await said).join('\n');

    expect(log).toContain('"level":');
    expect(told).toContain('refuses every call');
    expect(page).toContain('rehearse_calls_total');
    expect([
      ...leaks('histories', await histories()),
      ...leaks('logs', log),
      ...leaks('store', files(folder())),
      ...leaks('commands', told),
      ...leaks('metrics', page),
    ]).toEqual([]);
    // The test would see a leak where there is one.
    expect(leaks('here', `x${KEYS.apiKey.slice(3, 12)}y`)).not.toEqual([]);
  } finally {
    worker.kill('SIGKILL');
    await Promise.all([endpoint.close(), webhook.close()]);
  }
});
