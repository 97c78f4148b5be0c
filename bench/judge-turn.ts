import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import { instructionId, responseId } from '../method/ids';
import { createRandom, shuffled } from '../method/random';
import type { Instruction, Response } from '../method/records';
import { runBatch } from '../services/batches/batch';
import { judgmentItems } from '../services/batches/steps/judgment';
import { Endpoints } from '../services/endpoints/endpoints';
import { Journal } from '../services/journal/journal';
import { pickPort } from '../services/local/free-port';
import { ensureModel } from '../services/local/local-model';
import { projectDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { configFolder, loadSpecFile } from '../services/runs/spec-files';
import { type CallRecord } from '../stages/call-record';
import { modelIdentity } from '../stages/model-identity';
import { answerText, instructionText } from './endpoint-texts';
import { StackProcess } from './stack-process';

export const ORDERS = ['as sent', 'shuffled'] as const;
export type Order = (typeof ORDERS)[number];
export const SAMPLES = 3;
const ANSWER_WORDS = { minWords: 20, maxWords: 50 };
const SEED = 20_261_122;
const READY_TIMEOUT_MS = 60_000;

/** Of one judgment, on average over a turn. */
export interface Turn {
  /** Name of its kind. */
  readonly server: string;
  readonly order: Order;
  readonly seconds: number;
  /** Peak of the server so far. */
  readonly rssBytes: number;
  /** Prompt tokens that the server read anew; of the first call and of the one that extends it. */
  readonly first: number;
  readonly second: number;
  /** Prompt tokens of both calls. */
  readonly all: number;
}

/** How a server keeps prompts. */
export interface ServerKind {
  readonly name: string;
  readonly slots: number;
  readonly similarity: number;
}

export interface Server {
  readonly kind: ServerKind;
  readonly process: StackProcess;
  readonly baseURL: string;
}

/** The demo's server and model, on a port of its own. */
export async function startServer(folder: string, kind: ServerKind): Promise<Server> {
  const reporter = consoleReporter();
  const python = await ensurePython(reporter);
  const { gguf } = await ensureModel(reporter, python);
  const port = await pickPort(0);
  const server = new StackProcess({
    name: `model server ${kind.name}`,
    command: python.python,
    env: python.env,
    logFile: join(folder, `server-${kind.slots}-${kind.similarity}.log`),
    args: [
      join(projectDir(), 'python', 'serve_model.py'),
      '--gguf',
      gguf,
      '--alias',
      'smollm2-135m-instruct',
      '--port',
      String(port),
      '--slots',
      String(kind.slots),
      '--slot-similarity',
      String(kind.similarity),
    ],
  });
  server.start();
  const origin = `http://127.0.0.1:${port}`;
  for (const deadline = performance.now() + READY_TIMEOUT_MS; ; await sleep(200)) {
    const ready = await Promise.race([
      server.failure,
      fetch(`${origin}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ]);
    if (ready) return { kind, process: server, baseURL: `${origin}/v1` };
    if (performance.now() > deadline) throw new Error(`the server is not ready:\n${server.logTail()}`);
  }
}

/** One turn: one judge of the demo scores the responses of its three generators, a batch for each, as a shard has them. */
export async function judge({
  server,
  order,
  instructions: count,
  inFlight,
  folder,
  number,
}: {
  readonly server: Server;
  readonly order: Order;
  readonly instructions: number;
  readonly inFlight: number;
  readonly folder: string;
  readonly number: number;
}): Promise<Turn> {
  const spec = await loadSpecFile(join(configFolder(), 'demo.yaml'));
  const name = spec.synthesis.judge.judges[0]!;
  const model = { ...modelOf(spec, name), baseURL: server.baseURL };
  const limits = { ...model.limits, concurrency: inFlight };
  const endpoints = new Endpoints({});
  const { instructions, responses } = texts(spec, count, number);
  const startMs = performance.now();
  const batches = await Promise.all(
    spec.synthesis.respond.generators.map(async (generator) => {
      const items = judgmentItems(spec, name, generator, {
        instructions,
        responses: responses.filter((response) => response.model === generator),
      });
      const journal = await Journal.open(await mkdtemp(join(folder, 'journal-')));
      const result = await runBatch({
        items: order === 'as sent' ? items : shuffled(items, createRandom(SEED)),
        client: endpoints.client(name, { ...model, limits }),
        identity: modelIdentity(model),
        journal,
        concurrency: 2 * inFlight,
        stop: new AbortController().signal,
        onProgress: () => undefined,
      });
      await journal.close();
      return result;
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  await endpoints.close();
  const calls = batches.flatMap((batch) => batch.calls);
  const judgments = responses.length;
  const firstCalls = calls.filter(({ call }) => call % 2 === 0);
  const followUps = calls.filter(({ call }) => call % 2 === 1);
  return {
    server: server.kind.name,
    order,
    seconds: seconds / judgments,
    rssBytes: server.process.usage()?.peakRssBytes ?? 0,
    first: total(firstCalls, 'prompt_n') / firstCalls.length,
    second: total(followUps, 'prompt_n') / followUps.length,
    all: (total(calls, 'prompt_n') + total(calls, 'cache_n')) / judgments,
  };
}

/** Made-up instructions and responses, of the same lengths in each turn, which its number tells apart from their first word. */
function texts(spec: RunSpec, count: number, number: number): { readonly instructions: Instruction[]; readonly responses: Response[] } {
  const random = createRandom(SEED);
  const plain = (json: string): string => JSON.parse(`"${json}"`) as string;
  const common = { finishReason: 'stop', seed: 0, attempts: 1, usage: null } as const;
  const instructions = Array.from({ length: count }, (_, index): Instruction => ({
    ...common,
    id: instructionId(index),
    text: `${1_000 + number}: ${plain(instructionText(random).json)}`,
    model: spec.target.model,
  }));
  const responses = instructions.flatMap(({ id }) =>
    spec.synthesis.respond.generators.flatMap((model) =>
      Array.from({ length: SAMPLES }, (_, sample): Response => ({
        ...common,
        id: responseId(id, model, sample),
        instructionId: id,
        model,
        sample,
        text: plain(answerText(random, ANSWER_WORDS).json),
      })),
    ),
  );
  return { instructions, responses };
}

/** llama.cpp's own count of prompt tokens: read anew, and found in the slot. */
function total(calls: readonly CallRecord[], what: 'prompt_n' | 'cache_n'): number {
  return calls.reduce((sum, { reply, item }) => {
    const { timings } = JSON.parse(reply ?? '{}') as { readonly timings?: Readonly<Record<string, number>> };
    const tokens = timings?.[what];
    if (tokens === undefined) throw new Error(`the reply for ${item} tells no timings.${what}`);
    return sum + tokens;
  }, 0);
}
