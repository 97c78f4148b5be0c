import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import prettyMs from 'pretty-ms';
import type { z } from 'zod';
import type { FailureType } from '../../contract/failures';
import { PYTHON_PROTOCOL } from '../../stages/python-results';
import { Watchdog } from '../timing/watchdog';
import { resultSchemaOf, type PythonCommand, type PythonCommands } from './python-commands';
import { pythonEventSchema, type PythonEvent, RETRYABLE_KINDS, type PythonErrorKind } from './python-protocol';

export interface PythonJob<Command extends PythonCommand> {
  readonly command: Command;
  /** Without `protocol`. */
  readonly spec: PythonCommands[Command]['spec'];
  /** Aborted to stop: the job saves what it can and ends. */
  readonly stop: AbortSignal;
  readonly onEvent: (event: PythonEvent) => void;
}

/** Trains, evaluates and reads data sets, in subprocesses. */
export interface PythonJobs {
  /** Runs a job to its end. @throws PythonJobError, or the reason of `stop` */
  run<Command extends PythonCommand>(job: PythonJob<Command>): Promise<PythonCommands[Command]['result']>;
}

/** Kinds of failure: what a job says of itself, and `stalled`, which is said of it. */
export type PythonFailureKind = PythonErrorKind | 'stalled';

const RETRYABLE: Readonly<Record<PythonFailureKind, boolean>> = { ...RETRYABLE_KINDS, stalled: true };

/** A job that ended without a result: its kind, and a sentence with the way out. */
export class PythonJobError extends Error {
  override readonly name = 'PythonJobError' satisfies FailureType;

  constructor(
    readonly kind: PythonFailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether another try on the same input may succeed. */
  get retryable(): boolean {
    return RETRYABLE[this.kind];
  }
}

export interface PythonJobsOptions {
  /** Resolves to the interpreter and the environment it needs; called once a job. */
  readonly environment: () => Promise<{ readonly python: string; readonly env: Readonly<Record<string, string | undefined>> }>;
  /** Time between SIGTERM and SIGKILL: enough to save a checkpoint. */
  readonly killAfterMs?: number;
  /** A job that says nothing for as long hangs: it is killed, and tried again. */
  readonly stallAfterMs?: number;
}

const KILL_AFTER_MS = 120_000;
/** Longer than reading or saving a 70B model takes, and than most downloads. */
const STALL_AFTER_MS = 60 * 60_000;
const LOG_TAIL_CHARS = 2_000;

/** {@link PythonJobs} that starts `python -m rehearse_ml`, each in a process group of its own. */
export function createPythonJobs({
  environment,
  killAfterMs = KILL_AFTER_MS,
  stallAfterMs = STALL_AFTER_MS,
}: PythonJobsOptions): PythonJobs {
  return {
    async run(job) {
      const { command, spec, stop, onEvent } = job;
      stop.throwIfAborted();
      await mkdir(spec.outputDir, { recursive: true });
      const specFile = join(spec.outputDir, `${command}-spec.json`);
      await writeFile(specFile, JSON.stringify({ protocol: PYTHON_PROTOCOL, ...spec }, null, 2));
      const { python, env } = await environment();
      stop.throwIfAborted(); // setting up the environment may have taken minutes
      const child = spawn(python, ['-m', 'rehearse_ml', command, '--spec', specFile], {
        env: env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own: a Ctrl-C in the terminal reaches it through the worker only, after which it saves.
        detached: true,
      });

      const log = createWriteStream(join(spec.outputDir, `${command}.log`), { flags: 'a' });
      // A full disk must not bring the worker down for its log's sake; the job itself will say what is wrong.
      log.on('error', () => undefined);
      let logTail = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log.write(chunk);
        logTail = (logTail + chunk.toString('utf8')).slice(-LOG_TAIL_CHARS);
      });

      let resultPath: string | undefined;
      let told: PythonJobError | undefined;
      let stray: PythonJobError | undefined;
      let stalled: PythonJobError | undefined;
      const lines = createInterface({ input: child.stdout });
      const watchdog = new Watchdog(stallAfterMs, () => {
        stalled = new PythonJobError(
          'stalled',
          `rehearse_ml ${command} said nothing for ${prettyMs(stallAfterMs)} and was ended; it goes on from what it had saved. Where that is no fault (a slow download, very long steps), set REHEARSE_STALL_MINUTES higher for the worker.`,
        );
        signalGroup(child.pid, 'SIGKILL');
      });
      lines.on('line', (line) => {
        watchdog.reset();
        const event = readEvent(line);
        if (event === undefined) {
          stray ??= new PythonJobError(
            'internal',
            `rehearse_ml ${command} printed a line that is no event of protocol ${PYTHON_PROTOCOL}: ${line.slice(0, 200)}`,
          );
          return;
        }
        if (event.type === 'result') resultPath = event.path;
        // Of several processes that train together, one says what went wrong; the others were only ended by it.
        if (event.type === 'error' && (told === undefined || told.kind === 'interrupted')) {
          told = new PythonJobError(event.kind, `${event.message} ${event.hint}`);
        }
        onEvent(event);
      });

      let killTimer: NodeJS.Timeout | undefined;
      const onStop = (): void => {
        signalGroup(child.pid, 'SIGTERM');
        killTimer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), killAfterMs);
      };
      stop.addEventListener('abort', onStop, { once: true });
      // Launched processes do not outlive their launcher: they would train on beside their successors.
      child.once('exit', () => signalGroup(child.pid, 'SIGKILL'));
      try {
        const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
          child.once('error', (cause) =>
            reject(new PythonJobError('internal', `${python} could not be started: ${cause.message}; run "rehearse doctor"`, { cause })),
          );
          child.once('close', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
        });
        const failure = stalled ?? told ?? stray;
        if (code === 0 && resultPath !== undefined && failure === undefined) {
          return await readResult(resultPath, resultSchemaOf(command));
        }
        stop.throwIfAborted();
        throw (
          failure ??
          new PythonJobError(
            'internal',
            `rehearse_ml ${command} ended with ${signal ?? `exit code ${code}`} and no result; the end of its log: ${logTail.trim() || '(empty)'}`,
          )
        );
      } finally {
        watchdog.stop();
        clearTimeout(killTimer);
        stop.removeEventListener('abort', onStop);
        log.end();
      }
    },
  };
}

async function readResult<Result>(path: string, schema: z.ZodType<Result>): Promise<Result> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new PythonJobError(
      'internal',
      `the result ${path} is not what protocol ${PYTHON_PROTOCOL} says; check that the workers and rehearse_ml are of the same release`,
      { cause },
    );
  }
}

function readEvent(line: string): PythonEvent | undefined {
  try {
    return pythonEventSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
