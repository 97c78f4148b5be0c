import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import { runningServer, startBackgroundServer } from './background-server';
import { pickPort } from './free-port';

export { ensureTemporal } from './temporal-binary';

export interface DevServerOptions {
  /** Path of the `temporal` command. */
  readonly binary: string;
  /** SQLite file with all runs; made when missing. */
  readonly dbFile: string;
  /** Preferred ports; others are picked when these are taken. */
  readonly port: number;
  readonly uiPort: number;
  /** Name to type, such as Keyword. */
  readonly searchAttributes: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface LocalServerAddress {
  /** host:port of the frontend. */
  readonly address: string;
  readonly uiUrl: string;
}

export interface DevServer extends LocalServerAddress {
  readonly pid: number;
  readonly reused: boolean;
  stop(): Promise<void>;
}

const NAME = 'Temporal dev server';
const READY_TIMEOUT_MS = 60_000;
/** It picks a dozen ports for itself, and panics when another program takes one before it listens. */
export const DEV_SERVER_TRIES = 3;
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Starts `temporal server start-dev` over an SQLite file, or takes the one that runs over it already.
 * @throws Error with its log's tail when it does not come up
 */
export async function startDevServer({ binary, dbFile, port, uiPort, searchAttributes, logFile }: DevServerOptions): Promise<DevServer> {
  const server = await startBackgroundServer<LocalServerAddress>({
    name: NAME,
    key: JSON.stringify([dbFile, searchAttributes]),
    logFile,
    readyTimeoutMs: READY_TIMEOUT_MS,
    tries: DEV_SERVER_TRIES,
    isReady: answers,
    async plan() {
      mkdirSync(dirname(dbFile), { recursive: true });
      const [frontend, ui] = [await pickPort(port), await pickPort(uiPort)];
      return {
        command: binary,
        args: [...devServerArgs({ dbFile, port: frontend, searchAttributes }), '--ui-port', String(ui)],
        facts: { address: `127.0.0.1:${frontend}`, uiUrl: `http://127.0.0.1:${ui}` },
      };
    },
  });
  return { ...server.facts, pid: server.pid, reused: server.reused, stop: async () => await server.stop() };
}

/** Arguments of the `temporal` command for a dev server over an SQLite file. */
export function devServerArgs({
  dbFile,
  port,
  searchAttributes,
}: Pick<DevServerOptions, 'dbFile' | 'port' | 'searchAttributes'>): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--db-filename',
    dbFile,
    // Three times the throughput of the defaults, and still safe against a kill.
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=1',
    // A worker with one slot polls one partition of its queue at a time; with the default four, a task in another one waits for up to two seconds.
    '--dynamic-config-value',
    'matching.numTaskqueueWritePartitions=1',
    '--log-level',
    'warn',
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

/** The dev server of this data folder, when it runs. */
export function localServer(): LocalServerAddress | undefined {
  return runningServer<LocalServerAddress>(NAME)?.facts;
}

/** Returns when the server and its namespace, which comes up last, answer. @throws Error when they do not */
export async function probeServer(address: string): Promise<void> {
  // Without the client's own retries: one of them would wake after the connection was closed, and bring the process down.
  const connection = await Connection.connect({ address, connectTimeout: PROBE_TIMEOUT_MS, interceptors: [] });
  try {
    await connection.withDeadline(
      Date.now() + PROBE_TIMEOUT_MS,
      async () => await connection.workflowService.describeNamespace({ namespace: 'default' }),
    );
  } finally {
    await connection.close();
  }
}

async function answers({ address, uiUrl }: LocalServerAddress): Promise<boolean> {
  try {
    await probeServer(address);
    const page = await fetch(uiUrl, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await page.body?.cancel();
    return page.ok;
  } catch {
    return false; // not yet
  }
}
