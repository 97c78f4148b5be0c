import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLeaderboardTask } from '../../config/evaluation-splits';
import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { filesOf, variantsOf } from '../../config/variants';
import { looksLikePath } from '../../config/weights';
import type { LeaderboardTask } from '../../method/forgetting';
import { conversationProblem, evaluationRowProblem, isMeasured, type RowProblem } from '../data/data-rows';
import { checkJsonl } from '../data/jsonl-check';
import { reasonOf, shownPath } from './file-messages';

/** Problems told of one file; the others are counted. */
const MAX_PROBLEMS_PER_FILE = 5;

/** Reads all new data: what is wrong with its rows, and how much there is of it. */
export async function checkNewData({
  newData: path,
  holdOut,
}: RunSpec['mix']): Promise<{ problems: SpecProblem[]; examples?: number; characters?: number }> {
  const rows = 'one {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]} a line';
  const read = await checkRows(path, 'mix.newData', rows, { check: conversationProblem });
  const most = (read.counted ?? Infinity) - 1;
  const tooMany: SpecProblem[] =
    holdOut === undefined || read.problems.length > 0 || holdOut.new <= most
      ? []
      : [
          {
            path: 'mix.holdOut.new',
            value: String(holdOut.new),
            expected: `at most ${most}, since ${JSON.stringify(shownPath(path))} has ${most + 1} conversations, of which some must be left to train on`,
            hint: 'lower it, or add conversations',
          },
        ];
  return { problems: [...read.problems, ...tooMany], examples: read.counted, characters: read.characters };
}

/** Reads all local evaluation data: what is wrong with its rows, and the documents to be measured by task. */
export async function checkEvaluation(
  spec: RunSpec,
): Promise<{ problems: SpecProblem[]; documents: Partial<Record<LeaderboardTask, number>> }> {
  const problems: SpecProblem[] = [];
  const documents: Partial<Record<LeaderboardTask, number>> = {};
  for (const [index, { task, data }] of spec.evaluate.tasks.entries()) {
    if (!isLeaderboardTask(task)) continue;
    for (const [split, path] of Object.entries(data ?? {})) {
      const place = `evaluate.tasks[${index}].data.${split}`;
      const read = await checkRows(path, place, `rows in the schema of ${task}`, {
        check: (row) => evaluationRowProblem(task, row),
        counts: (row) => isMeasured(task, row),
      });
      problems.push(...read.problems);
      if (split !== 'validation' && read.counted !== undefined) documents[task] = read.counted;
    }
  }
  return { problems, documents };
}

/** Local files of variants' replay sets: that they are there. Their rows are checked as they are read, where bad ones are counted. */
export async function replayFileProblems(spec: RunSpec): Promise<SpecProblem[]> {
  const problems: SpecProblem[] = [];
  for (const variant of variantsOf(spec)) {
    for (const file of filesOf(variant)) {
      const found = await stat(file).catch((error: unknown) => reasonOf(error));
      const value = typeof found === 'string' ? found : found.isFile() ? undefined : 'not a file';
      if (value === undefined && /\.(jsonl|parquet)$/.test(file)) continue;
      problems.push({
        path: `variants.${variant.name}.replay.files`,
        value: `${JSON.stringify(shownPath(file))} (${value ?? 'neither .jsonl nor .parquet'})`,
        expected: 'a JSONL or Parquet file that can be read',
        hint: "relative paths start at the spec's own folder",
      });
    }
  }
  return problems;
}

interface RowChecks {
  readonly check: (row: unknown) => RowProblem | null;
  readonly counts?: (row: unknown) => boolean;
}

async function checkRows(
  path: string,
  place: string,
  expected: string,
  { check, counts }: RowChecks,
): Promise<{ problems: SpecProblem[]; counted?: number; characters?: number }> {
  const shown = JSON.stringify(shownPath(path));
  try {
    const read = await checkJsonl(path, {
      check(row) {
        const found = check(row);
        return found === null ? null : `${found.path} is ${found.value} where ${found.expected} belongs`;
      },
      counts,
      maxProblems: MAX_PROBLEMS_PER_FILE,
    });
    const problems = read.problems.map(({ line, message }): SpecProblem => ({
      path: place,
      value: `${shown} line ${line}: ${message}`,
      expected,
      hint: 'fix that line',
    }));
    if (read.badLines > problems.length) {
      problems.push({
        path: place,
        value: `${read.badLines - problems.length} more bad lines in ${shown}`,
        expected,
        hint: 'fix them all',
      });
    }
    if (read.badLines === 0 && read.counted === 0) {
      problems.push({ path: place, value: `${shown} without a row that counts`, expected, hint: 'add rows, or name another file' });
    }
    return { problems, counted: read.counted, characters: read.characters };
  } catch (error) {
    return {
      problems: [
        {
          path: place,
          value: `${shown} (${reasonOf(error)})`,
          expected: `a JSONL file that can be read, ${expected}`,
          hint: "relative paths start at the spec's own folder",
        },
      ],
    };
  }
}

/** A local directory of weights that is no such directory. */
export async function weightsProblems({ target: { weights } }: RunSpec): Promise<SpecProblem[]> {
  if (weights === undefined || !looksLikePath(weights)) return [];
  const expected = 'a directory with config.json, a tokenizer and safetensors';
  try {
    await (await open(join(weights, 'config.json'))).close();
    return [];
  } catch (error) {
    const found = await stat(weights).catch(() => undefined);
    const value =
      found === undefined
        ? `${JSON.stringify(weights)} (${reasonOf(error)})`
        : `${JSON.stringify(weights)}, ${found.isDirectory() ? 'a directory without config.json' : 'a file'}`;
    return [{ path: 'target.weights', value, expected, hint: 'name the folder that the model was saved to' }];
  }
}
