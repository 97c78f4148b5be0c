import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSpec } from '../config/load-spec';
import type { RunSpec } from '../config/spec';
import { readLines } from '../services/data/lines';
import { measureSynthesis } from './measured-synthesis';
import { paperRunSpec } from './paper-run';
import { writeRequestBodies } from './request-bodies';
import { Stack } from './stack';

/** The same prompts in the form that each client takes. All lie in one folder. */
export interface JudgeLoad {
  readonly folder: string;
  readonly prompts: number;
}

/** Files and folders of a load. */
export const LOAD = {
  /** JSONL: one prompt a line. */
  prompts: 'prompts.jsonl',
  /** One request a line: path after `/v1/`, a space, the JSON body. */
  requests: 'requests.txt',
  /** Data folder of a run whose instructions and responses are stored, to be judged. */
  home: 'home',
} as const;

const SAMPLES = 4;
const SHARDS = 8;
const RUN_ID = 'prepare';
const STAMP = 'load.json';
/** The judge's `max_tokens`, part of what its stage is stored under: another one judges the same responses anew. */
const MAX_TOKENS = { prepare: 256, measure: 512 } as const;
const PREPARE_CONCURRENCY = 200;

/**
 * Makes judge prompts with the paper's Table 2 text: a synthesis with one judge writes them, through Rehearse itself and
 * without latency. Made once for each number of prompts.
 * @param prompts a multiple of 4: four responses to each instruction
 * @throws RangeError when it is not
 */
export async function prepareJudgeLoad(folder: string, prompts: number): Promise<JudgeLoad> {
  if (prompts % SAMPLES !== 0) throw new RangeError(`${prompts} prompts are no multiple of ${SAMPLES}`);
  const load: JudgeLoad = { folder, prompts };
  const stamp = join(folder, STAMP);
  if (await holds(stamp, load.prompts)) return load;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const stack = await Stack.start({ folder, llmWorkers: 1, latencyMs: 0 });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await measureSynthesis(
      stack,
      RUN_ID,
      await judgeLoadSpec({ load, endpointURL: stack.endpointURL, concurrency: PREPARE_CONCURRENCY, maxTokens: MAX_TOKENS.prepare }),
    );
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
  await writeRequestBodies({ store: join(folder, LOAD.home, 'store'), runId: RUN_ID, file: join(folder, 'all-requests.txt') });
  await keepJudgeRequests(load);
  await writeFile(stamp, JSON.stringify({ prompts: load.prompts }));
  return load;
}

/** The spec that judges what the load holds, with nothing else to call for. */
export async function judgingSpec(load: JudgeLoad, endpointURL: string, concurrency: number): Promise<RunSpec> {
  return await judgeLoadSpec({ load, endpointURL, concurrency, maxTokens: MAX_TOKENS.measure });
}

async function judgeLoadSpec({
  load,
  endpointURL,
  concurrency,
  maxTokens,
}: {
  readonly load: JudgeLoad;
  readonly endpointURL: string;
  readonly concurrency: number;
  readonly maxTokens: number;
}): Promise<RunSpec> {
  const instructions = load.prompts / SAMPLES;
  const spec = await paperRunSpec({
    instructions,
    baseURL: `${endpointURL}/v1`,
    folder: load.folder,
    concurrency,
    shardSize: Math.ceil(instructions / SHARDS),
    concurrentShards: SHARDS,
  });
  const {
    target,
    synthesis: { respond, judge },
  } = spec;
  return parseSpec({
    ...spec,
    models: { [target.model]: { ...spec.models[target.model], model: 'bench-model' } },
    synthesis: {
      ...spec.synthesis,
      respond: { ...respond, generators: [target.model], samples: SAMPLES },
      judge: { ...judge, judges: [target.model], sampling: { ...judge.sampling, maxTokens } },
    },
  });
}

/** @throws Error unless there are as many different prompts as the load says */
async function keepJudgeRequests({ folder, prompts }: JudgeLoad): Promise<void> {
  const requests: string[] = [];
  const texts: string[] = [];
  for await (const { text: line } of readLines(join(folder, 'all-requests.txt'))) {
    if (!line.startsWith('chat/completions ') || !line.includes('Score: <rating>')) continue;
    const { messages } = JSON.parse(line.slice(line.indexOf(' ') + 1)) as { readonly messages: readonly { readonly content: string }[] };
    requests.push(line);
    texts.push(JSON.stringify(messages[0]?.content));
  }
  if (new Set(texts).size !== prompts) {
    throw new Error(`${new Set(texts).size} different judge prompts were made, ${prompts} were asked for`);
  }
  await writeFile(join(folder, LOAD.requests), `${requests.join('\n')}\n`);
  await writeFile(join(folder, LOAD.prompts), `${texts.join('\n')}\n`);
}

async function holds(stamp: string, prompts: number): Promise<boolean> {
  try {
    return (JSON.parse(await readFile(stamp, 'utf8')) as { readonly prompts: number }).prompts === prompts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
