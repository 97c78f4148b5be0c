import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WorkerMetrics } from '../services/metrics/worker-metrics';

/** A worker process, as its metrics server sees it. */
export interface ObservedProcess {
  readonly metrics: WorkerMetrics;
  /** Whether it takes work now. */
  readonly isReady: () => boolean;
}

export interface MetricsServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsServerOptions extends ObservedProcess {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Where the SDK of Temporal offers its own metrics on this machine: host:port. */
  readonly sdkAddress?: string;
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const SDK_TIMEOUT_MS = 2_000;

/**
 * Offers `/metrics` in Prometheus' text format, ours and the SDK's on one page; `/healthz`, 200 while the process lives; and `/readyz`,
 * 200 while it takes work, 503 while it starts or drains. Without a key: bind it to a network that you trust.
 * @throws Error with the variable to change, where the address cannot be bound
 */
export async function startMetricsServer({ host, port, metrics, isReady, sdkAddress }: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'GET or HEAD only\n');
    if (path === '/healthz') return send(response, 200, 'ok\n');
    if (path === '/readyz') return isReady() ? send(response, 200, 'ready\n') : send(response, 503, 'takes no work now\n');
    if (path !== '/metrics') return send(response, 404, 'there are /metrics, /healthz and /readyz\n');
    Promise.all([metrics.text(), sdkMetrics(sdkAddress)]).then(
      (parts) => send(response, 200, parts.filter((part) => part !== '').join('\n')),
      (error: unknown) => send(response, 500, `${String(error)}\n`),
    );
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new Error(
      `metrics cannot be offered at ${host}:${port} (${(cause as NodeJS.ErrnoException).code}); set REHEARSE_METRICS to another address`,
      { cause },
    );
  }
  server.unref(); // it keeps no process alive
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The SDK's own page; where it does not answer, that is all that is missing. */
async function sdkMetrics(address: string | undefined): Promise<string> {
  if (address === undefined) return '';
  try {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SDK_TIMEOUT_MS) });
    return await response.text();
  } catch {
    return '';
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': TEXT, 'cache-control': 'no-store' });
  response.end(body);
}

/**
 * The address of `REHEARSE_METRICS`: `PORT`, on loopback; `HOST:PORT`; `:PORT`, on all addresses. Undefined where it is not set.
 * @throws Error for anything else
 */
export function metricsAddress(value: string | undefined): { readonly host: string; readonly port: number } | undefined {
  if (value === undefined || value === '') return undefined;
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(value);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new Error(`REHEARSE_METRICS is ${JSON.stringify(value)}, expected PORT or HOST:PORT, such as 9464 or 0.0.0.0:9464`);
  }
  const host = match[1];
  return { host: host === undefined ? '127.0.0.1' : host === '' ? '0.0.0.0' : host.replace(/^\[|\]$/g, ''), port };
}
