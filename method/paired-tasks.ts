import { MethodError } from './method-error';

/** The documents of one task: what each gained or lost, and what one document's worth is on the scale of the result. */
export interface PairedTask {
  /** after - before of each document. */
  readonly differences: readonly number[];
  /** What each document counts for, such as its tokens; without them all count alike. */
  readonly weights?: readonly number[];
  /** Points for a difference of 1 on every document; 100 / (1 - chance) on the leaderboard's scale. */
  readonly scale: number;
  /** The least by which one document can change, where there is one: 1 for documents that are right or wrong. */
  readonly unit?: number;
}

/** How a comparison draws its random numbers. */
export interface ComparisonOptions {
  /** Names the comparison, so that each has random numbers of its own whatever else is compared. */
  readonly name: string;
  readonly seed: number;
}

/** @throws {MethodError} without tasks, or when a task has no documents. */
export function checkPaired(tasks: readonly PairedTask[], name: string): void {
  if (tasks.length === 0 || tasks.some(({ differences }) => differences.length === 0)) {
    throw new MethodError(`${name} has nothing to compare; give at least one document of each task`);
  }
}

/** Mean over tasks of the (weighted) mean difference, on the scale of the result. */
export function meanDifference(tasks: readonly PairedTask[]): number {
  return sum(tasks.flatMap((task) => contributions(task))) / tasks.length;
}

/** What each document adds to the mean of its task, on the scale of the result. */
export function contributions({ differences, weights, scale }: PairedTask): number[] {
  const total = weights === undefined ? differences.length : sum(weights);
  return differences.map((difference, index) => ((difference * (weights?.[index] ?? 1)) / total) * scale);
}

/** Standard error of {@link meanDifference}; null where a task has a single document, which shows no spread. */
export function standardError(tasks: readonly PairedTask[]): number | null {
  if (tasks.some(({ differences }) => differences.length < 2)) return null;
  const variances = tasks.map((task) => {
    const { differences, weights, scale } = task;
    const n = differences.length;
    const mean = sum(contributions(task)) / scale;
    const total = weights === undefined ? n : sum(weights);
    const squares = sum(differences.map((difference, index) => ((weights?.[index] ?? 1) * (difference - mean)) ** 2));
    return ((scale / total) ** 2 * squares * n) / (n - 1);
  });
  return Math.sqrt(sum(variances)) / tasks.length;
}

/** Documents of the smallest task: what the comparison as a whole can rest on. */
export function fewestDocuments(tasks: readonly PairedTask[]): number {
  return Math.min(...tasks.map(({ differences }) => differences.length));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
