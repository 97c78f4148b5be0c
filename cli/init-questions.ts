import { createInterface } from 'node:readline/promises';
import { looksLikeHubId } from '../config/template-places';
import { looksLikePath } from '../config/weights';
import { conversationOf } from '../services/data/conversation-rows';
import { readPlacedRows } from '../services/data/placed-rows';
import { missingModel, servedModels } from '../services/endpoints/endpoint-check';
import { checkDataFile } from '../services/runs/data-file-check';
import { weightsProblems } from '../services/runs/data-file-checks';
import { CliError } from './terminal/errors';
import { plainText } from './terminal/output';

/** What `init` asks for where no option says it. */
export interface Questions {
  readonly baseUrl?: string;
  readonly model?: string;
  readonly weights?: string;
  readonly newData?: string;
  readonly check: boolean;
}

export interface AskOptions {
  readonly defaultBaseUrl: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly input?: NodeJS.ReadableStream;
  readonly output?: NodeJS.WritableStream;
}

/** An answer's problem, or undefined where it is good. */
type Check = (answer: string) => Promise<string | undefined>;

const FLAGS = { baseUrl: '--base-url', model: '--model', weights: '--weights', newData: '--new-data' } as const;

/**
 * Asks in the terminal for what the options leave open; an empty answer takes what stands in brackets. Each answer is looked at as it is
 * given: one with a problem is asked for again, and an empty answer then keeps it.
 * @throws CliError on Ctrl-C or Ctrl-D, which says how to go on with what was answered
 */
export async function askMissing<Options extends Questions>(
  options: Options,
  { defaultBaseUrl, apiKey, timeoutMs, input = process.stdin, output = process.stderr }: AskOptions,
): Promise<Options> {
  const terminal = createInterface({ input, output });
  // Ctrl-C and Ctrl-D close it, and would leave a question pending for ever.
  const closed = new AbortController();
  terminal.once('close', () => closed.abort());
  const given: { -readonly [Name in keyof typeof FLAGS]?: string } = {};
  const ask = async (name: keyof typeof FLAGS, question: string, proposed: string | undefined, check: Check): Promise<string> => {
    const known = options[name];
    if (known !== undefined) return known;
    let proposal = proposed;
    let kept: string | undefined;
    for (;;) {
      const typed = (
        await terminal.question(`${question}${proposal === undefined ? '' : ` [${proposal}]`}: `, { signal: closed.signal })
      ).trim();
      const answer = typed === '' ? proposal : typed;
      if (answer === undefined) continue;
      const problem = answer === kept || !options.check ? undefined : await check(answer);
      if (problem === undefined) {
        given[name] = answer;
        return answer;
      }
      output.write(`  ${plainText(problem)} (Enter keeps it)\n`);
      proposal = answer;
      kept = answer;
    }
  };
  let ids: readonly string[] | undefined;
  const reach: Check = async (baseURL) => {
    if (!/^https?:\/\/./.test(baseURL)) return 'no URL: begin it with http:// or https://';
    const served = await servedModels({ baseURL, ...(apiKey === undefined ? {} : { apiKey }), timeoutMs });
    if ('ids' in served) ids = served.ids;
    return 'ids' in served || served.unlisted === true ? undefined : `${served.problem}; ${served.hint}`;
  };
  try {
    const baseUrl = await ask('baseUrl', 'URL of the OpenAI-compatible API that serves your model', defaultBaseUrl, reach);
    if (options.baseUrl !== undefined && options.model === undefined && options.check) {
      const problem = await reach(baseUrl);
      if (problem !== undefined) output.write(`  (${plainText(problem)})\n`);
    }
    const model = await ask('model', 'Model id', ids?.[0], async (id) => {
      const fault = ids === undefined ? null : missingModel(id, ids);
      return await Promise.resolve(fault === null ? undefined : `${fault.problem}; ${fault.hint}`);
    });
    const weights = await ask('weights', 'Its weights: a directory or a hub id', model, weightsProblem);
    const newData = await ask('newData', 'Your SFT data: a file of JSON lines, JSON or Parquet', undefined, newDataProblem);
    return { ...options, baseUrl, model, weights, newData };
  } catch (cause) {
    if (!closed.signal.aborted) throw cause;
    const said = Object.entries(given).map(([name, answer]) => `${FLAGS[name as keyof typeof FLAGS]} '${answer.replaceAll("'", `'\\''`)}'`);
    throw new CliError('stopped; nothing was written', {
      exitCode: 130,
      cause,
      ...(said.length === 0 ? {} : { hint: `go on with what you have answered: npx rehearse init ${said.join(' ')}` }),
    });
  } finally {
    terminal.close();
  }
}

async function weightsProblem(weights: string): Promise<string | undefined> {
  if (!looksLikePath(weights)) {
    if (looksLikeHubId(weights) || weights.startsWith('builtin:')) return undefined;
    return 'neither a hub id, such as Qwen/Qwen3-8B, nor a directory, which begins with "./", "../" or "/"';
  }
  const [problem] = await weightsProblems({ target: { weights } });
  return problem === undefined ? undefined : `${problem.value}; expected ${problem.expected}`;
}

async function newDataProblem(file: string): Promise<string | undefined> {
  const { problems } = await checkDataFile(readPlacedRows(file), file, {
    place: 'mix.newData',
    expected: 'conversations',
    kind: 'a file of JSON lines, JSON or Parquet',
    check: (row) => conversationOf(row, null).problem ?? null,
  });
  const [first] = problems;
  return first === undefined ? undefined : `${first.value}; ${first.hint}`;
}
