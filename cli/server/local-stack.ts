import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { ensureModel, startModelServer } from '../../services/local/local-model';
import { dataDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import type { SetupReporter } from '../../services/local/setup-reporter';
import { ensureTemporal, startDevServer, type DevServer } from '../../services/local/temporal-server';
import { rehearseArgs } from '../../services/local/worker-command';
import { CliError } from '../terminal/errors';
import { configuredAddress } from './connect';

/** Port of the local model in config/demo.yaml. */
const LOCAL_MODEL_PORT = 8477;
const MODEL_CONCURRENCY = 8;
const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;

/** What runs on this machine for a run on this machine. */
export interface LocalStack {
  readonly address: string;
  /** Undefined with a server of the user's own. */
  readonly uiUrl: string | undefined;
  readonly modelBaseURL: string;
  /** Resolves when the worker process ends by itself: something is wrong. */
  readonly workerEnded: Promise<string>;
  /** Drains the workers, then stops what was started, in this order. */
  stop(): Promise<void>;
}

/** Sets up and starts the Temporal server (unless one is configured), the local model and a worker process. */
export async function startLocalStack(reporter: SetupReporter): Promise<LocalStack> {
  const own = configuredAddress();
  const logs = join(dataDir(), 'logs');
  mkdirSync(logs, { recursive: true });
  // Side by side: one compiles where it must, the other downloads.
  const [temporal, model] = await Promise.all([
    own === undefined ? ensureTemporal(reporter) : undefined,
    ensurePython(reporter).then(async (python) => ({ python, ...(await ensureModel(reporter, python)) })),
  ]);

  const step = reporter.step('start');
  step.update('Temporal dev server, local model and workers');
  // Side by side; the workers need the server alone, and calls wait until the model answers.
  const server = temporal === undefined ? undefined : startServer(temporal.path, logs);
  const local = startModelServer({
    gguf: model.gguf,
    python: model.python,
    port: LOCAL_MODEL_PORT,
    logFile: join(logs, 'model.log'),
    concurrency: MODEL_CONCURRENCY,
  });
  const stopServers = async (): Promise<void> => {
    for (const part of await Promise.allSettled([local, server])) if (part.status === 'fulfilled') await part.value?.stop();
  };
  let worker: WorkerProcess | undefined;
  try {
    const started = await Promise.race([server, failureOf(local)]);
    const { address, uiUrl } = started ?? { address: own ?? '', uiUrl: undefined };
    if (started !== undefined) process.env['TEMPORAL_ADDRESS'] = address;
    worker = startWorkerProcess(join(logs, 'worker.log'));
    const { baseURL } = await local;
    step.done(`Temporal at ${address}${uiUrl === undefined ? '' : `, Web UI at ${uiUrl}`}, model at ${baseURL}, workers (logs in ${logs})`);
    const { ended, stop } = worker;
    return { address, uiUrl, modelBaseURL: baseURL, workerEnded: ended, stop: async () => await stop().then(stopServers) };
  } catch (error) {
    await worker?.stop();
    await stopServers();
    throw error;
  }
}

async function startServer(binary: string, logs: string): Promise<DevServer> {
  return await startDevServer({
    binary,
    dbFile: join(dataDir(), 'temporal', 'dev.sqlite'),
    port: TEMPORAL_PORT,
    uiPort: UI_PORT,
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, 'Keyword'])),
    logFile: join(logs, 'temporal.log'),
  });
}

/** Rejects as soon as the work fails, and never resolves. */
async function failureOf(work: Promise<unknown>): Promise<never> {
  return await new Promise((_, reject) => {
    work.catch(reject);
  });
}

interface WorkerProcess {
  /** Resolves when it ends by itself. */
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

function startWorkerProcess(logFile: string): WorkerProcess {
  const log = openSync(logFile, 'a');
  // A group of its own: Ctrl-C comes to us, and we ask the workers to drain.
  const child: ChildProcess = spawn(process.execPath, rehearseArgs('worker'), {
    stdio: ['ignore', log, log],
    detached: true,
    env: process.env,
  });
  closeSync(log);
  let stopping = false;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
    child.once('error', (error) => resolve(error.message));
  });
  return {
    ended: new Promise((resolve) => {
      void exited.then((how) => {
        if (!stopping) resolve(how);
      });
    }),
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The error for workers that ended by themselves. */
export function workersEnded(how: string, goOn: string): CliError {
  return new CliError(`the workers ended (${how}); their log is ${join(dataDir(), 'logs', 'worker.log')}`, {
    hint: `what they had finished is stored; go on with: ${goOn}`,
  });
}
