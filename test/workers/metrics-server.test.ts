import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWorkerMetrics } from '../../services/metrics/worker-metrics';
import { metricsAddress, startMetricsServer, type MetricsServer } from '../../workers/metrics-server';

let server: MetricsServer;
let ready = false;

beforeAll(async () => {
  const metrics = createWorkerMetrics('1.2.3');
  metrics.callEnded({ model: 'a "quoted"\nname', outcome: 'rate_limited' });
  const sdk = createServer((_, response) => response.end('temporal_request 1\n'));
  sdk.listen(0, '127.0.0.1');
  await once(sdk, 'listening');
  server = await startMetricsServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    isReady: () => ready,
    sdkAddress: `127.0.0.1:${(sdk.address() as AddressInfo).port}`,
  });
  sdk.unref();
});

afterAll(async () => await server.close());

test("one page has our metrics and the SDK's, names of models escaped", async () => {
  const response = await fetch(`${server.url}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const page = await response.text();
  expect(page).toContain('rehearse_build_info{release="1.2.3"} 1');
  expect(page).toContain(String.raw`rehearse_calls_total{model="a \"quoted\"\nname",outcome="rate_limited"} 1`);
  expect(page).toContain('\ntemporal_request 1\n');
});

test('it is alive while it runs, and ready while it takes work', async () => {
  const status = async (path: string): Promise<number> => (await fetch(`${server.url}${path}`)).status;
  expect([await status('/healthz'), await status('/readyz'), await status('/'), await status('/metrics?x=1')]).toEqual([
    200, 503, 404, 200,
  ]);
  ready = true;
  expect(await status('/readyz')).toBe(200);
  expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405);
});

test('an address that is taken is named, with the variable to change', async () => {
  const port = Number(new URL(server.url).port);
  await expect(startMetricsServer({ host: '127.0.0.1', port, metrics: createWorkerMetrics('x'), isReady: () => true })).rejects.toThrow(
    `metrics cannot be offered at 127.0.0.1:${port} (EADDRINUSE); set REHEARSE_METRICS to another address`,
  );
});

test.each([
  ['9464', { host: '127.0.0.1', port: 9464 }],
  ['0.0.0.0:9464', { host: '0.0.0.0', port: 9464 }],
  [':9464', { host: '0.0.0.0', port: 9464 }],
  ['[::1]:9464', { host: '::1', port: 9464 }],
  ['', undefined],
  [undefined, undefined],
])('REHEARSE_METRICS=%p is %p', (value, address) => {
  expect(metricsAddress(value)).toEqual(address);
});

test.each(['yes', 'host:', '1:2:3', '70000', 'http://0.0.0.0:9464'])('REHEARSE_METRICS=%p is refused', (value) => {
  expect(() => metricsAddress(value)).toThrow(/expected PORT or HOST:PORT/);
});
