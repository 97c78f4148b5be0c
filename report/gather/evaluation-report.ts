import type { RunSpec } from '../../config/spec';
import { compareSamples, type Comparison } from '../../method/forgetting';
import { MethodError } from '../../method/method-error';
import type { HeldOutLossRow } from '../../stages/evaluate-loss';
import type { SampleRow } from '../../stages/evaluate-task';
import type { EvaluateResult } from '../../stages/python-results';

/** One task on one model. */
export interface TaskScore {
  /** Name of the task's own metric. */
  readonly metric: string;
  /** The metric, 0 to 1, with its standard error where the harness gives one. */
  readonly value: number;
  readonly stderr: number | null;
  /** The leaderboard's scale: 0 is chance, 100 is perfect. */
  readonly normalized: number;
  readonly documents: number;
  /** Share of the answers that it wrote which the token limit ended; null where it writes none, or nobody counted. */
  readonly cut: number | null;
}

export interface TaskReport {
  readonly task: string;
  readonly before: TaskScore | null;
  readonly after: TaskScore | null;
  /** after - before on the leaderboard's scale. */
  readonly difference: number | null;
  /** Document by document; null while one side is missing. */
  readonly documents: Comparison | null;
  /** Fewer documents than a difference could be read from. */
  readonly tooFew: boolean;
}

export interface EvaluationReport {
  readonly tasks: readonly TaskReport[];
  /** Means of the normalised scores. */
  readonly average: { readonly before: number | null; readonly after: number | null; readonly difference: number | null };
  readonly seconds: { readonly before: number | null; readonly after: number | null };
  readonly versions: Readonly<Record<string, string>>;
  /** Fewest documents of a task that has been evaluated. */
  readonly fewestDocuments: number | null;
}

/** Below this many documents a task is a demonstration: one document moves it by a point or more. */
const FEW_DOCUMENTS = 100;

/** One model's evaluation as it is stored. */
export interface StoredEvaluation {
  readonly result: EvaluateResult;
  readonly samples: readonly SampleRow[];
  /** On held-out conversations; empty where there are none. */
  readonly losses: readonly HeldOutLossRow[];
}

/** Every task of the spec, before (official weights) and after (the trained model); what is missing is null. */
export function reportEvaluation(
  { evaluate }: Pick<RunSpec, 'evaluate'>,
  before: StoredEvaluation | undefined,
  after: StoredEvaluation | undefined,
): EvaluationReport {
  const tasks = evaluate.tasks.map(({ task }): TaskReport => {
    const scores = { before: taskScore(before, task), after: taskScore(after, task) };
    const documents = [scores.before?.documents, scores.after?.documents].filter((count) => count !== undefined);
    return {
      task,
      ...scores,
      difference: minus(scores.after?.normalized, scores.before?.normalized),
      documents: before === undefined || after === undefined ? null : compareDocuments(samplesOf(before, task), samplesOf(after, task)),
      tooFew: documents.some((count) => count < FEW_DOCUMENTS),
    };
  });
  const counts = tasks.flatMap((task) => [task.before, task.after].flatMap((score) => (score === null ? [] : [score.documents])));
  return {
    tasks,
    average: {
      before: before?.result.average ?? null,
      after: after?.result.average ?? null,
      difference: minus(after?.result.average ?? undefined, before?.result.average ?? undefined),
    },
    seconds: { before: before?.result.seconds ?? null, after: after?.result.seconds ?? null },
    versions: { ...before?.result.versions, ...after?.result.versions },
    fewestDocuments: counts.length === 0 ? null : Math.min(...counts),
  };
}

function taskScore(evaluation: StoredEvaluation | undefined, name: string): TaskScore | null {
  const found = evaluation?.result.tasks.find(({ task }) => task === name);
  if (found === undefined) return null;
  const { primary, normalized, documents, generated = 0, cut } = found;
  const shareCut = cut === undefined || generated === 0 ? null : cut / generated;
  return { metric: primary.name, value: primary.value, stderr: primary.stderr, normalized, documents, cut: shareCut };
}

/** One task's documents. */
export function samplesOf({ samples }: StoredEvaluation, name: string): SampleRow[] {
  return samples.filter(({ task }) => task === name);
}

/** Two models on one task, document by document; where they cannot be joined, why. */
export function compareDocuments(before: readonly SampleRow[], after: readonly SampleRow[]): Comparison {
  try {
    return compareSamples(before, after);
  } catch (error) {
    // A data set that holds a document twice cannot be joined; the scores stand, and the report says why this does not.
    if (error instanceof MethodError) return { comparable: false, reason: error.message };
    throw error;
  }
}

function minus(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined ? null : a - b;
}
