import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { StackProcess } from '../../bench/stack-process';
import type { RunSpec } from '../../config/spec';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { pickPort } from '../../services/local/free-port';
import { ensureModel } from '../../services/local/local-model';
import { projectDir } from '../../services/local/paths';
import { ensurePython, type PythonEnvironment } from '../../services/local/python-environment';
import { devServerArgs, ensureTemporal, probeServer } from '../../services/local/temporal-server';
import type { SftJobSpec } from '../../services/python/job-specs';
import { createPythonJobs } from '../../services/python/python-jobs';
import { sftResultSchema, type SftResult } from '../../stages/python-results';
import { FakeEndpoint } from './fake-endpoint';
import { writeNarrowModel } from './narrow-model';
import { smallSpec } from './small-spec';
import { quietReporter } from './temporal';

/** Of the run's training. */
export const STEPS = 12;
const TRAIN = {
  maxSteps: STEPS,
  saveSteps: 3,
  learningRate: 1e-3,
  perDeviceBatchSize: 1,
  gradientAccumulation: 2,
  maxLength: 256,
  dtype: 'float32',
  gradientCheckpointing: false,
  threads: 1,
} as const;
const POLL_MS = 50;
const PATIENCE_MS = 600_000;

export interface TrainingStackOptions {
  /** For everything that it writes. */
  readonly folder: string;
  /** Environment of all workers, such as where the store is. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real server and real worker processes, which train a small real model, and which can be killed. */
export class TrainingStack {
  readonly temporal: StackProcess;
  private readonly workers: StackProcess[] = [];
  private connection: Connection | undefined;

  private constructor(
    private readonly options: TrainingStackOptions,
    private readonly address: string,
    private readonly python: PythonEnvironment,
    private readonly weights: string,
    private readonly endpoint: FakeEndpoint,
    temporal: { readonly command: string; readonly args: readonly string[] },
  ) {
    this.temporal = new StackProcess({ name: 'temporal', ...temporal, logFile: join(options.folder, 'temporal.log') });
  }

  static async create(options: TrainingStackOptions): Promise<TrainingStack> {
    const { folder } = options;
    const python = await ensurePython(quietReporter);
    const { weightsDir } = await ensureModel(quietReporter, python);
    const weights = join(folder, 'weights');
    await writeNarrowModel(python, weightsDir, weights);
    const port = await pickPort(0);
    const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, 'Keyword']));
    const { path } = await ensureTemporal(quietReporter);
    const args = [...devServerArgs({ dbFile: join(folder, 'temporal.sqlite'), port, searchAttributes }), '--headless'];
    return new TrainingStack(options, `127.0.0.1:${port}`, python, weights, await FakeEndpoint.start(), { command: path, args });
  }

  /** A worker process that is not started yet; it comes back when it ends by itself. @param home its data folder */
  worker(name: string, home: string, ...queues: string[]): StackProcess {
    mkdirSync(home, { recursive: true });
    const worker = new StackProcess({
      name,
      command: process.execPath,
      args: [join(projectDir(), 'bin', 'rehearse.js'), 'worker', '--queue', ...queues],
      logFile: join(this.options.folder, `${name}.log`),
      restart: true,
      env: {
        ...process.env,
        REHEARSE_LOG: 'info',
        REHEARSE_PROBE: 'off',
        ...this.options.env,
        REHEARSE_HOME: home,
        TEMPORAL_ADDRESS: this.address,
      },
    });
    this.workers.push(worker);
    return worker;
  }

  async startServer(): Promise<void> {
    this.temporal.start();
    await eventually(
      'the server',
      async () =>
        await probeServer(this.address).then(
          () => true,
          () => false,
        ),
    );
  }

  async client(): Promise<Client> {
    this.connection ??= await Connection.connect({ address: this.address });
    return new Client({ connection: this.connection });
  }

  /** A run that trains one variant for twelve steps, with a checkpoint at every third. */
  spec(): RunSpec {
    return smallSpec(this.endpoint.baseURL, (each) => {
      each.target.weights = this.weights;
      delete each.target.revision;
      each.train = TRAIN;
      each.variants = ['method'];
    });
  }

  /** The training in a folder once more, from its beginning, with nothing happening to it. */
  async undisturbed(job: string): Promise<SftResult> {
    const asked = JSON.parse(readFileSync(join(job, 'sft-spec.json'), 'utf8')) as SftJobSpec;
    const resumed: string[] = [];
    const result = await createPythonJobs({ environment: async () => await Promise.resolve(this.python) }).run({
      command: 'sft',
      spec: { ...asked, outputDir: join(this.options.folder, 'undisturbed') },
      stop: new AbortController().signal,
      onEvent: (event) => void (event.type === 'log' && event.message.startsWith('Resuming') && resumed.push(event.message)),
    });
    if (resumed.length > 0) throw new Error(`this was to be a training from its beginning: ${resumed.join('; ')}`);
    return result;
  }

  async close(): Promise<void> {
    await this.connection?.close();
    await Promise.all(this.workers.map(async (worker) => await worker.stop()));
    await this.temporal.kill();
    await this.endpoint.close();
  }
}

/** The folder of the one training below a folder of stage outputs, once it is there. */
export function jobIn(root: string): string | undefined {
  const trainings = join(root, 'stages', 'train');
  const [key] = listed(trainings);
  return key === undefined ? undefined : join(trainings, key, 'all', 'job');
}

/** Names in a folder; none where there is no such folder. */
export function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The result of the training in a folder, when it is done. */
export function resultIn(job: string): SftResult | undefined {
  try {
    return sftResultSchema.parse(JSON.parse(readFileSync(join(job, 'result.json'), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The processes that train below a data folder. */
export function trainersOf(home: string): number[] {
  return listed('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('rehearse_ml') && words.some((word) => word.startsWith(home));
      } catch {
        return false; // it has just ended
      }
    });
}

/** Polls until `look` gives something, for at most ten minutes. */
export async function eventually<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
    await sleep(POLL_MS);
  }
}
