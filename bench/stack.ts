import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import type { QueueName } from '../contract/task-queues';
import { pickPort } from '../services/local/free-port';
import { projectDir } from '../services/local/paths';
import type { ProcessIdentity } from '../services/local/process-identity';
import { consoleReporter } from '../services/local/setup-reporter';
import { devServerArgs, ensureTemporal, probeServer } from '../services/local/temporal-server';
import { rehearseArgs } from '../services/local/worker-command';
import type { EndpointStats } from './endpoint';
import { killLeftover, StackProcess, type StackProcessOptions } from './stack-process';

export interface StackOptions {
  /** Everything that the run leaves: store, database, logs. A second start on the same folder goes on. */
  readonly folder: string;
  readonly llmWorkers: number;
  /** Of the endpoint, when it is started here. */
  readonly latencyMs: number;
  /** The same: so many of a hundred requests come to a fault. */
  readonly faultPercent?: number;
  /** Node's heap limit of each worker; V8's own when left out. */
  readonly workerHeapMb?: number;
  /** Workers that end by themselves (as they do when they find no server at their start) are started again. */
  readonly restartWorkers?: boolean;
  /** Origin of an endpoint that runs already, which need not be ours; otherwise one is started. */
  readonly endpointURL?: string;
  /** One gpu worker more. */
  readonly gpu?: boolean;
  /** What the workers' environment has besides. */
  readonly env?: Readonly<Record<string, string>>;
  /** The processes belong to the group of this one and die with it; otherwise each has a group of its own. */
  readonly sameGroup?: boolean;
}

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
/** The endpoint keeps its address over restarts: it is part of no stage key here, but of the plan. */
const PORTS_FILE = 'ports.json';
const PIDS_FILE = 'pids.json';

/** A Temporal dev server, the shipped worker command once a queue, and the endpoint, each a process of its own. */
export class Stack {
  private constructor(
    private readonly options: StackOptions,
    readonly endpointURL: string,
    readonly temporalAddress: string,
    readonly temporal: StackProcess,
    readonly endpoint: StackProcess | undefined,
    readonly orchestration: StackProcess,
    readonly cpu: StackProcess,
    readonly llm: readonly StackProcess[],
    readonly gpu: readonly StackProcess[],
  ) {}

  /** Starts everything, after ending what a killed benchmark left behind in this folder. */
  static async start(options: StackOptions): Promise<Stack> {
    const { folder, llmWorkers, latencyMs, faultPercent = 0, workerHeapMb, restartWorkers, sameGroup } = options;
    const logs = join(folder, 'logs');
    await mkdir(logs, { recursive: true });
    for (const leftover of await readJson<ProcessIdentity[]>(join(folder, PIDS_FILE), [])) await killLeftover(leftover);
    const before = await readJson<{ endpoint: number; temporal: number }>(join(folder, PORTS_FILE), { endpoint: 0, temporal: 0 });
    const ports = { endpoint: await pickPort(before.endpoint), temporal: await pickPort(before.temporal) };
    await writeFile(join(folder, PORTS_FILE), JSON.stringify(ports));

    const { path: temporalBinary } = await ensureTemporal(consoleReporter());
    const address = `127.0.0.1:${ports.temporal}`;
    const endpointURL = options.endpointURL ?? `http://127.0.0.1:${ports.endpoint}`;
    const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, 'Keyword']));
    const make = (name: string, command: string, args: readonly string[], more: Partial<StackProcessOptions> = {}): StackProcess =>
      new StackProcess({ name, command, args, logFile: join(logs, `${name}.log`), sameGroup, ...more });
    const heap = workerHeapMb === undefined ? [] : [`--max-old-space-size=${workerHeapMb}`];
    const worker = (name: string, queue: QueueName): StackProcess =>
      make(name, process.execPath, [...heap, ...rehearseArgs('worker', '--queue', queue)], {
        env: {
          ...process.env,
          REHEARSE_HOME: join(folder, 'home'),
          // Without a gpu worker the weights are a stand-in: no Python environment of this machine is to read them.
          ...(options.gpu === true ? {} : { REHEARSE_CACHE: join(folder, 'cache') }),
          TEMPORAL_ADDRESS: address,
          REHEARSE_LOG: 'warn',
          REHEARSE_PROBE: 'off',
          ...options.env,
        },
        restart: restartWorkers,
      });
    const stack = new Stack(
      options,
      endpointURL,
      address,
      make('temporal', temporalBinary, [
        ...devServerArgs({ dbFile: join(folder, 'temporal.sqlite'), port: ports.temporal, searchAttributes }),
        '--headless',
      ]),
      options.endpointURL === undefined
        ? make('endpoint', process.execPath, [
            join(projectDir(), 'dist', 'bench', 'endpoint.js'),
            '--port',
            String(ports.endpoint),
            '--latency-ms',
            String(latencyMs),
            '--fault-percent',
            String(faultPercent),
          ])
        : undefined,
      worker('orchestration', 'orchestration'),
      worker('cpu', 'cpu'),
      Array.from({ length: llmWorkers }, (_, index) => worker(`llm-${index + 1}`, 'llm')),
      options.gpu === true ? [worker('gpu', 'gpu')] : [],
    );
    stack.endpoint?.start();
    stack.temporal.start();
    await stack.whileRunning(stack.untilReady());
    for (const process of stack.workers) process.start();
    await stack.savePids();
    return stack;
  }

  get home(): string {
    return join(this.options.folder, 'home');
  }

  get dbFile(): string {
    return join(this.options.folder, 'temporal.sqlite');
  }

  get workers(): readonly StackProcess[] {
    return [this.orchestration, this.cpu, ...this.llm, ...this.gpu];
  }

  get processes(): readonly StackProcess[] {
    return [this.temporal, ...(this.endpoint === undefined ? [] : [this.endpoint]), ...this.workers];
  }

  /** The work's result. @throws when a process ends by itself meanwhile */
  async whileRunning<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, ...this.processes.map(({ failure }) => failure)]);
  }

  /** Returns once the server and our endpoint answer. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      try {
        if (this.endpoint !== undefined) await this.stats();
        await probeServer(this.temporalAddress);
        return;
      } catch (cause) {
        if (performance.now() > deadline) {
          throw new Error(`the server at ${this.temporalAddress} or the endpoint at ${this.endpointURL} does not answer`, { cause });
        }
        await sleep(POLL_MS);
      }
    }
  }

  /** Writes down what runs, so that the next start can end it if this one is killed. */
  async savePids(): Promise<void> {
    const identities = this.processes.map(({ identity }) => identity).filter((identity) => identity !== undefined);
    await writeFile(join(this.options.folder, PIDS_FILE), JSON.stringify(identities));
  }

  async stats(): Promise<EndpointStats> {
    return (await (await fetch(`${this.endpointURL}/stats`)).json()) as EndpointStats;
  }

  /** From `hold` to `release` the endpoint takes requests but answers none. */
  async tellEndpoint(what: 'hold' | 'release'): Promise<void> {
    await (await fetch(`${this.endpointURL}/${what}`, { method: 'POST' })).arrayBuffer();
  }

  /** Runs `body` with a client. */
  async withClient<T>(body: (client: Client) => Promise<T>): Promise<T> {
    const connection = await Connection.connect({ address: this.temporalAddress });
    try {
      return await body(new Client({ connection }));
    } finally {
      await connection.close();
    }
  }

  async stop(): Promise<void> {
    // Workers first; nobody waits for batches to drain here, since the journal keeps what they have.
    await Promise.all(this.workers.map(async (process) => await process.kill()));
    await Promise.all([this.temporal.stop(), this.endpoint?.stop()]);
  }
}

async function readJson<T>(path: string, otherwise: T): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw new Error(`${path} cannot be read; remove the work folder and begin anew`, { cause: error });
  }
}
