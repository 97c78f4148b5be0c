import { isLeaderboardTask, TASK_SPLITS } from '../../config/evaluation-splits';
import type { EvaluateTask } from '../../config/spec';
import type { LeaderboardTask } from '../../method/forgetting';
import { MethodError } from '../../method/method-error';
import type { EvaluationDocument } from '../../method/quality/contamination';
import { evaluationIdentity } from './evaluation-identity';
import { evaluationRowProblem, isMeasured } from './evaluation-rows';
import { readJsonLines } from './json-lines';

/** Columns of each dataset that hold the question, and the document's own name where it has one. */
const COLUMNS: Readonly<Record<LeaderboardTask, { readonly text: string; readonly id: string | null }>> = {
  mmlu_pro: { text: 'question', id: 'question_id' },
  gpqa: { text: 'Question', id: 'Record ID' },
  ifeval: { text: 'prompt', id: 'key' },
  math_level_5: { text: 'problem', id: null },
};

/**
 * The questions of a task with local data: of the split that is measured, all of them, whatever the task's `limit`.
 * @param identity the task's entry in the plan's content identities
 * @throws MethodError when the files are not those that the run was planned with, or a row has no question
 */
export async function readLocalDocuments({ task, data }: EvaluateTask, identity: string | undefined): Promise<EvaluationDocument[]> {
  if (!isLeaderboardTask(task)) {
    throw new MethodError(`the documents of the task ${task} are not known here; a validated spec cannot come here`);
  }
  const split = TASK_SPLITS[task].test;
  const path = data?.[split];
  if (path === undefined) {
    throw new MethodError(`the task ${task} has no local file for its split "${split}"; a validated spec cannot come here`);
  }
  if ((await evaluationIdentity({ data })) !== identity) {
    throw new MethodError(
      `the evaluation data of ${task} (${path}) has changed since the run began; start the run again to plan it with the new content`,
    );
  }
  const { text, id } = COLUMNS[task];
  const documents: EvaluationDocument[] = [];
  for await (const { line, row } of readJsonLines(path)) {
    const problem = evaluationRowProblem(task, row);
    if (problem !== null) {
      throw new MethodError(`${path} line ${line}: ${problem.path} is ${problem.value} where ${problem.expected} belongs`);
    }
    if (!isMeasured(task, row)) continue;
    const columns = row as Readonly<Record<string, unknown>>;
    const name = id === null ? undefined : columns[id];
    documents.push({
      task,
      id: typeof name === 'string' || typeof name === 'number' ? String(name) : `${split}:${line}`,
      text: String(columns[text]),
    });
  }
  return documents;
}
