import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServeSpec } from '../../config/spec';
import type { FailureType } from '../../contract/failures';
import { pickPort } from './free-port';
import { projectDir } from './paths';

/** What a served model is, where its server runs, and who is told. */
export interface ServedModel {
  /** Name of the model in the API. */
  readonly alias: string;
  readonly serve: ServeSpec;
  /** Directory or hub id of the weights; a GGUF file for llama.cpp. */
  readonly weights: string;
  readonly revision?: string;
  /** Address to listen on, and under which others reach it. */
  readonly host: string;
  readonly logFile: string;
  /** Interpreter that has the engine, and the environment it needs; asked at each start. */
  readonly environment: (
    engine: ServeSpec['engine'],
  ) => Promise<{ readonly python: string; readonly env: Readonly<Record<string, string | undefined>> }>;
  /** Aborted to end the server. */
  readonly stop: AbortSignal;
  /** Called every time that it has come up: at the same address, unless a start failed there. */
  readonly onReady: (baseURL: string) => Promise<void>;
  readonly onState: (state: 'loading' | 'up' | 'restarting') => void;
}

/** Serves models on this machine. */
export interface ModelServers {
  /** @throws ModelServerError, or the reason of `stop` */
  serve(model: Omit<ServedModel, 'host' | 'environment'>): Promise<never>;
}

/**
 * @param host to listen on, under which llm workers reach this machine
 * @param readyTimeoutMs longest time from a server's start to its first answer
 */
export function createModelServers({
  host,
  environment,
  readyTimeoutMs = TIMING.readyTimeoutMs,
}: Pick<ServedModel, 'host' | 'environment'> & { readonly readyTimeoutMs?: number | undefined }): ModelServers {
  return { serve: async (model) => await serveUntilStopped({ ...model, host, environment }, { ...TIMING, readyTimeoutMs }) };
}

/** A server that does not come up, or that dies again and again: trying on would only cost. */
export class ModelServerError extends Error {
  override readonly name = 'ModelServerError' satisfies FailureType;
}

export interface ModelServerTiming {
  /** A 70B model takes minutes to load. */
  readonly readyTimeoutMs: number;
  readonly pollMs: number;
  /** Unanswered health checks in a row after which it counts as hung. */
  readonly missesAllowed: number;
  /** Before it is started again when it did not come up: the memory of the one before may not be free yet. */
  readonly pauseMs: number;
}

const TIMING: ModelServerTiming = { readyTimeoutMs: 30 * 60_000, pollMs: 1_000, missesAllowed: 60, pauseMs: 10_000 };
/** Starts in a row that may end before the server has answered once. */
const MOST_FAILED_STARTS = 3;
/** A server that lived for less time than this has not worked. */
const SHORT_LIFE_MS = 60_000;
/** More than a request that the server cannot live through brings about before the model client gives it up. */
const MOST_SHORT_LIVES = 10;
const PROBE_TIMEOUT_MS = 5_000;
const LOG_TAIL_CHARS = 300;
/** Exit statuses that another try does not change: a wrong command line (argparse), and EX_CONFIG of sysexits.h (python/serve_*.py). */
const USELESS_TO_RETRY: readonly (number | null)[] = [2, 78];

/**
 * Serves a model until `stop`, starting its server again when it dies or hangs. Nothing of it outlives this process: see
 * python/keep_server.py.
 * @throws ModelServerError when it does not work; the reason of `stop`
 */
export async function serveUntilStopped(model: ServedModel, timing = TIMING): Promise<never> {
  let port = await pickPort(0);
  for (let [failedStarts, shortLives] = [0, 0]; ;) {
    const baseURL = `http://${model.host.includes(':') ? `[${model.host}]` : model.host}:${port}/v1`;
    const server = await start(model, port);
    try {
      model.onState('loading');
      const failure = await untilReady(server, baseURL, model.stop, timing);
      if (failure === undefined) {
        failedStarts = 0;
        const since = performance.now();
        model.onState('up');
        await model.onReady(baseURL);
        const why = await untilLost(server, baseURL, model.stop, timing);
        shortLives = performance.now() - since < SHORT_LIFE_MS ? shortLives + 1 : 0;
        if (shortLives >= MOST_SHORT_LIVES) throw broken(model, server, `${why} soon after it came up, ${shortLives} times in a row`);
      } else {
        failedStarts++;
        if (failure.final || failedStarts >= MOST_FAILED_STARTS) {
          throw broken(model, server, `${failure.why}${failedStarts > 1 ? `, ${failedStarts} times in a row` : ''}`);
        }
        port = await pickPort(0); // somebody else may have taken it
      }
      model.onState('restarting');
    } finally {
      await server.end();
    }
    if (failedStarts > 0) await pause(timing.pauseMs, model.stop);
  }
}

function broken({ alias, serve, logFile }: ServedModel, server: RunningServer, why: string): ModelServerError {
  return new ModelServerError(
    `the server of ${alias} (${serve.engine}) ${why}; fix the model's "serve" in the spec, or its worker's machine ${hostname()}, then go on with "npx rehearse resume"; its log ${logFile} ends with: ${server.tail()}`,
  );
}

/** Command line of an engine, without Python itself. Public for its tests. */
export function engineArguments(
  { serve, alias, weights, revision, host }: Pick<ServedModel, 'serve' | 'alias' | 'weights' | 'revision' | 'host'>,
  port: number,
): string[] {
  const place = ['--host', host, '--port', String(port)];
  switch (serve.engine) {
    case 'vllm':
      return [
        join(projectDir(), 'python', 'serve_vllm.py'),
        weights,
        '--served-model-name',
        alias,
        ...(revision === undefined ? [] : ['--revision', revision]),
        // What a request does not say is the API's default, not the model's generation_config.json; `serve.args` can say otherwise.
        '--generation-config',
        'vllm',
        ...place,
        ...serve.args,
      ];
    case 'transformers':
      return [join(projectDir(), 'python', 'serve_weights.py'), '--weights', weights, '--alias', alias, ...place, ...serve.args];
    case 'llama.cpp':
      return [join(projectDir(), 'python', 'serve_model.py'), '--gguf', weights, '--alias', alias, ...place, ...serve.args];
  }
}

interface RunningServer {
  readonly child: ChildProcess;
  /** How it ended; undefined while it runs. */
  readonly ended: () => { readonly how: string; readonly code: number | null } | undefined;
  readonly tail: () => string;
  readonly end: () => Promise<void>;
}

async function start(model: ServedModel, port: number): Promise<RunningServer> {
  model.stop.throwIfAborted();
  const { python, env } = await model.environment(model.serve.engine);
  await mkdir(dirname(model.logFile), { recursive: true });
  const log = createWriteStream(model.logFile, { flags: 'a' });
  log.on('error', () => undefined); // a full disk must not bring the server down for its log's sake
  const child = spawn(python, [join(projectDir(), 'python', 'keep_server.py'), python, ...engineArguments(model, port)], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'pipe'], // while the first is open the server runs
    detached: true, // a Ctrl-C in the terminal reaches it through the worker only
  });
  child.stdin?.on('error', () => undefined);
  let ended: ReturnType<RunningServer['ended']>;
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log.write(chunk);
      tail = (tail + chunk.toString('utf8')).slice(-2 * LOG_TAIL_CHARS); // some of it is blanks
    });
  }
  const closed = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended ??= { how: `could not be started: ${error.message}`, code: null };
      resolve();
    });
    child.once('close', (code, signal) => {
      ended ??= { how: `ended with ${signal ?? `exit code ${code}`}`, code };
      resolve();
    });
  });
  return {
    child,
    ended: () => ended,
    tail: () => tail.replace(/\s+/g, ' ').trim().slice(-LOG_TAIL_CHARS) || '(empty)',
    end: async () => {
      child.stdin?.destroy();
      await closed;
      log.end();
    },
  };
}

/** Returns what kept it from coming up; `final` where another try would end likewise. */
async function untilReady(
  server: RunningServer,
  baseURL: string,
  stop: AbortSignal,
  { readyTimeoutMs, pollMs }: ModelServerTiming,
): Promise<{ readonly why: string; readonly final: boolean } | undefined> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    stop.throwIfAborted();
    const isUp = await isHealthy(baseURL);
    const ended = server.ended();
    if (ended !== undefined) return { why: `${ended.how} before it answered`, final: USELESS_TO_RETRY.includes(ended.code) };
    if (isUp) return undefined;
    if (performance.now() > deadline) {
      return {
        why: `did not answer within ${readyTimeoutMs / 60_000} minutes (REHEARSE_SERVE_MINUTES of its worker allows more)`,
        final: true,
      };
    }
    await pause(pollMs, stop);
  }
}

/** Returns what became of it. */
async function untilLost(
  server: RunningServer,
  baseURL: string,
  stop: AbortSignal,
  { pollMs, missesAllowed }: ModelServerTiming,
): Promise<string> {
  for (let misses = 0; misses <= missesAllowed; misses = (await isHealthy(baseURL)) ? 0 : misses + 1) {
    await pause(pollMs, stop);
    const ended = server.ended();
    if (ended !== undefined) return ended.how;
  }
  return 'did not answer any more';
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
  stop.throwIfAborted();
}

async function isHealthy(baseURL: string): Promise<boolean> {
  try {
    const reply = await fetch(new URL('/health', baseURL), { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false; // not yet, or not any more
  }
}
