import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { pickPort } from '../services/local/free-port';
import { projectDir } from '../services/local/paths';
import { createWorkerMetrics } from '../services/metrics/worker-metrics';
import { startMetricsServer } from '../workers/metrics-server';
import { StackProcess } from './stack-process';

/**
 * Holds deploy/monitoring to a real Prometheus (Debian: `apt install prometheus`): promtool checks the rules and the configuration; a server
 * scrapes a page of our metrics; each query of the dashboard and of the alerts is asked of it; and the alert on store faults fires.
 */
async function main(): Promise<void> {
  const monitoring = join(projectDir(), 'deploy', 'monitoring');
  tool('promtool', ['check', 'rules', join(monitoring, 'alerts.yml')]);
  tool('promtool', ['check', 'config', join(monitoring, 'prometheus.yml')]);

  const metrics = createWorkerMetrics('monitoring');
  metrics.readLimiters(() => [{ model: 'm', endpoint: 'e', inFlight: 3, waiting: 1, concurrency: 4, closedForMs: 0 }]);
  metrics.batchOpened({ stage: 'judge', model: 'm', allowance: { usd: 1 }, cost: () => ({ usd: 0.5, tokens: 0 }) });
  metrics.trainingStep({ workflow: 'run/variant-method', loss: 1.5, tokensPerSecond: 900, done: 3, total: 10 });
  const page = await startMetricsServer({ host: '127.0.0.1', port: 0, metrics, isReady: () => true });
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-monitoring-'));
  const port = await pickPort(0);
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(monitoring, 'alerts.yml')],
    scrape_configs: [{ job_name: 'rehearse', static_configs: [{ targets: [new URL(page.url).host] }] }],
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML
  const prometheus = new StackProcess({
    name: 'prometheus',
    command: 'prometheus',
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    logFile: join(folder, 'prometheus.log'),
    sameGroup: true,
  });
  prometheus.start();
  const api = async (path: string, query: Record<string, string> = {}): Promise<ApiAnswer> =>
    (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query).toString()}`)).json()) as ApiAnswer;
  try {
    const scraped = async (query: string): Promise<boolean> => {
      const { data } = await api('query', { query }).catch(() => ({ data: { result: [] } }));
      return data.result.length > 0;
    };
    await Promise.race([until(async () => await scraped('rehearse_build_info')), prometheus.failure]);
    // Rates need two scrapes with something between them.
    for (let call = 0; call < 20; call++) {
      metrics.callEnded({ model: 'm', outcome: call % 4 === 0 ? 'timeout' : 'answered', seconds: 1 });
      metrics.spent('m', { promptTokens: 10, completionTokens: 5 }, 0.01);
      metrics.activityFailed('judgeShard', 'EndpointUnavailableError');
      metrics.storeFault('StorageUnavailableError');
      await sleep(200);
    }
    const empty: string[] = [];
    for (const query of await queries(monitoring)) {
      const answer = await api('query', { query });
      if (answer.status !== 'success') throw new Error(`Prometheus does not take ${query}: ${answer.error ?? ''}`);
      if (answer.data.result.length === 0) empty.push(query);
    }
    const silent = empty.filter((query) => !/temporal_|[<>=]=? ?\d|== 0|unless/.test(query));
    if (silent.length > 0) throw new Error(`these queries found nothing:\n${silent.join('\n')}`);
    await until(
      async () =>
        (await api('alerts')).data.alerts?.some(
          ({ labels, state }) => labels['alertname'] === 'RehearseStoreFaults' && state === 'firing',
        ) === true,
    );
    console.log('✓ rules and configuration are valid, every query is taken and finds what was scraped, and RehearseStoreFaults fires');
  } finally {
    await prometheus.stop();
    await page.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface ApiAnswer {
  readonly status?: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly unknown[];
    readonly alerts?: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
  };
}

/** All queries, with Grafana's variables as it would fill them in. */
async function queries(monitoring: string): Promise<string[]> {
  const dashboard = JSON.parse(await readFile(join(monitoring, 'grafana-dashboard.json'), 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  const rules = parse(await readFile(join(monitoring, 'alerts.yml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
  };
  return [...dashboard.panels.flatMap(({ targets }) => targets), ...rules.groups.flatMap((group) => group.rules)].map(({ expr }) =>
    expr.replaceAll(/\$__(rate_interval|range)/g, '1m'),
  );
}

function tool(command: string, args: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${command} cannot be started (${error.message}); on Debian: apt install prometheus`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} says:\n${stdout}${stderr}`);
}

const MOST_MS = 60_000;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startMs > MOST_MS) throw new Error('Prometheus did not get there within a minute');
    await sleep(200);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
