import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createWorkerMetrics } from '../../services/metrics/worker-metrics';

const FOLDER = join(__dirname, '../../deploy/monitoring');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: Readonly<Record<string, string>> }[];
  }[];
}

const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
const rules = (parse(read('alerts.yml')) as Rules).groups.flatMap((group) => group.rules);
const queries = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const)),
  ...rules.map(({ alert, expr, annotations }) => [alert, expr, annotations['summary'] ?? ''] as const),
];

/** Names of our metrics in a query, without what a histogram adds. */
function ourNames(query: string): string[] {
  return (query.match(/\brehearse_\w+/g) ?? []).map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}

test('every query is about metrics that a worker has', () => {
  const names = createWorkerMetrics('test').names();
  const asked = new Set(queries.flatMap(([, query]) => ourNames(query)));
  expect([...asked].filter((name) => !names.includes(name))).toEqual([]);
  // And what is counted is looked at: only what Node itself tells may be left out.
  const own = names.filter((name) => !/^rehearse_(nodejs|process)_|build_info$/.test(name));
  expect(own.filter((name) => !asked.has(name))).toEqual([]);
});

test('labels in queries and texts are those that the metrics have', async () => {
  const metrics = createWorkerMetrics('test');
  metrics.callEnded({ model: 'm', outcome: 'answered', seconds: 1 });
  metrics.spent('m', { promptTokens: 1, completionTokens: 1 }, 1);
  metrics.batchOpened({ stage: 'judge', model: 'm', allowance: { usd: 1 }, cost: () => ({ usd: 0, tokens: 0 }) });
  metrics.activityFailed('judgeShard', 'X');
  metrics.storeFault('X');
  metrics.trainingStep({ workflow: 'w', loss: 1, tokensPerSecond: 1, done: 1, total: 2 });
  metrics.readLimiters(() => [{ model: 'm', endpoint: 'e', inFlight: 1, waiting: 0, concurrency: 2, closedForMs: 0 }]);
  const page = await metrics.text();
  const series = (name: string): string => page.split('\n').find((line) => line.startsWith(name)) ?? '';
  for (const [title, query, text] of queries) {
    const names = ourNames(query);
    for (const [, name = '', label = ''] of query.matchAll(/\b(rehearse_\w+)\{(\w+)/g)) {
      expect([title, series(name)]).toEqual([title, expect.stringContaining(`${label}="`)]);
    }
    const shown = [...`${query} ${text}`.matchAll(/(?:by|on) \(([\w, ]+)\)|\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)]
      .flatMap(([, by, one]) => (by ?? one ?? '').split(/,\s*/))
      .filter((label) => names.length > 0 && !['le', 'instance', 'job'].includes(label));
    for (const label of shown) {
      expect([title, label, names.some((name) => series(name).includes(`${label}="`))]).toEqual([title, label, true]);
    }
  }
  expect(page).toContain('rehearse_limiter_in_flight{model="m",endpoint="e"} 1');
});

test('no panel lies on another, and every alert says what to do', () => {
  const cells = dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
  expect(new Set(cells).size).toBe(cells.length);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const { alert, annotations } of rules) expect([alert, Object.keys(annotations).sort()]).toEqual([alert, ['action', 'summary']]);
});
