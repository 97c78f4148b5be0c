import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLeaderboardTask } from '../../config/evaluation-splits';
import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { replaySetsOf } from '../../config/until';
import { filesOf } from '../../config/variants';
import { looksLikePath } from '../../config/weights';
import type { LeaderboardTask } from '../../method/forgetting';
import { evaluationRowProblem, isMeasured } from '../data/evaluation-rows';
import { lineRows } from '../data/placed-rows';
import { checkDataFile } from './data-file-check';
import { reasonOf, shownPath } from './file-messages';

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
      const read = await checkDataFile(lineRows(path), path, {
        place,
        expected: `rows in the schema of ${task}`,
        kind: 'a JSONL file',
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
  for (const variant of replaySetsOf(spec)) {
    const isOwn = variant.replay?.kind === 'own-answers'; // read as new data is, whatever their name
    for (const file of filesOf(variant)) {
      const found = await stat(file).catch((error: unknown) => reasonOf(error));
      const value = typeof found === 'string' ? found : found.isFile() ? undefined : 'not a file';
      if (value === undefined && (isOwn || /\.(jsonl|parquet)$/.test(file))) continue;
      problems.push({
        path: `variants.${variant.name}.replay.${isOwn ? 'ownAnswers' : 'files'}`,
        value: `${JSON.stringify(shownPath(file))} (${value ?? 'neither .jsonl nor .parquet'})`,
        expected: isOwn ? 'a file of JSON lines, JSON or Parquet that can be read' : 'a JSONL or Parquet file that can be read',
        hint: "relative paths start at the spec's own folder",
      });
    }
  }
  return problems;
}

/** A local directory of weights that is no such directory. */
export async function weightsProblems({
  target: { weights },
}: {
  readonly target: Pick<RunSpec['target'], 'weights'>;
}): Promise<SpecProblem[]> {
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
