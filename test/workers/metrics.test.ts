import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { untilSynthesized } from '../../bench/follow-run';
import { paperRunSpec } from '../../bench/paper-run';
import { startRun } from '../../cli/runs/start-run';
import { pickPort } from '../../services/local/free-port';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { useTempFolder } from '../support/temp-folder';
import { useTemporal } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();
const folder = useTempFolder();

/** Value of a series, by its name and labels as they stand on the page; the sum where several fit. */
function value(page: string, series: RegExp): number {
  const lines = page.split('\n').filter((line) => series.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test("a worker's page counts what the endpoint counted, with the SDK's metrics that dashboards and alerts ask for", async () => {
  const port = await pickPort(0);
  const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(['worker', '--queue', 'orchestration', 'llm', 'cpu']);`;
  const worker = spawn(process.execPath, ['-r', resolve('test/support/ts-hook.cjs'), '-e', script], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      REHEARSE_HOME: folder(),
      REHEARSE_STORE: join(folder(), 'store'),
      REHEARSE_METRICS: String(port),
      REHEARSE_LOG: 'error',
      TEMPORAL_ADDRESS: environment().address,
    },
  });
  try {
    const at = async (path: string): Promise<Response> => await fetch(`http://127.0.0.1:${port}${path}`);
    await until(async () => ((await at('/readyz').catch(() => undefined))?.status === 200 ? true : undefined));
    endpoint().inject({ kind: 'status', status: 429 });
    const spec = await paperRunSpec({ instructions: 6, baseURL: endpoint().baseURL, folder: folder(), shardSize: 3 });
    const price = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 1_000 };
    const models = Object.fromEntries(Object.entries(spec.models).map(([name, model]) => [name, { ...model, price }]));
    await startRun(environment().client, 'measured', { ...spec, models, until: 'replay' });
    await untilSynthesized(environment().client, 'measured');

    const page = await (await at('/metrics')).text();
    expect(value(page, /^rehearse_calls_total\{.*outcome="answered"/)).toBe(endpoint().requests.length - 1);
    expect(value(page, /^rehearse_calls_total\{.*outcome="rate_limited"/)).toBe(1);
    expect(value(page, /^rehearse_call_duration_seconds_count/)).toBe(endpoint().requests.length - 1);
    const tokens = value(page, /^rehearse_tokens_total/);
    expect(tokens).toBeGreaterThan(0);
    expect(value(page, /^rehearse_spent_dollars_total/)).toBeCloseTo(tokens / 1_000, 6);
    expect(value(page, /^rehearse_batches_open/)).toBe(0);

    const files = ['grafana-dashboard.json', 'alerts.yml'].map((name) => readFileSync(join('deploy/monitoring', name), 'utf8'));
    const asked = new Set(files.join('\n').match(/\btemporal_\w+/g));
    const offered = new Set([...page.matchAll(/^(temporal_\w+)[{ ]/gm)].map(([, name]) => name));
    expect(asked.size).toBeGreaterThan(0);
    // Requests that fail are there only once one has failed.
    expect([...asked].filter((name) => !offered.has(name) && !name.includes('_failure_'))).toEqual([]);
    await environment().client.workflow.getHandle('measured').terminate();
  } finally {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
});
