import type { RunSpec } from '../../config/spec';
import type { Variant } from '../../config/variants';
import { adjustForChance, chanceOf, type AdjustedTransitions } from '../../method/forgetting';
import { comparePaired, type PairedComparison } from '../../method/paired-comparison';
import type { PairedTask } from '../../method/paired-tasks';
import type { SampleRow } from '../../stages/evaluate-task';
import { type Change, correctedChanges } from './change';
import type { DataCost } from './data-cost';
import { compareDocuments, samplesOf, type StoredEvaluation } from './evaluation-report';
import { kindOf, variantTitle, type VariantKind } from './variant-kind';

/** How far a variant has come. */
export type VariantState = 'evaluated' | 'trained' | 'mixed' | 'waiting' | 'failed';

export interface VariantTask {
  readonly task: string;
  /** Name of the task's own metric, its value (0 to 1), and its standard error where the harness gives one. */
  readonly metric: string;
  readonly value: number;
  readonly stderr: number | null;
  readonly documents: number;
  /** The leaderboard's scale: 0 is chance, 100 is perfect. */
  readonly normalized: number;
  /** Null where documents cannot be paired, and for the official model itself. */
  readonly change: Change | null;
  readonly transitions: {
    /** The four kinds below together. */
    readonly documents: number;
    readonly retained: number;
    readonly forgotten: number;
    readonly learned: number;
    readonly neverRight: number;
    readonly beyondChance: AdjustedTransitions;
  } | null;
  /** Why the documents cannot be paired. */
  readonly unpaired?: string;
}

/** One row of the table. */
export interface VariantReport {
  readonly name: string;
  readonly kind: VariantKind;
  /** Share of new data that it asks for, 0 to 1. */
  readonly newShare: number;
  /** What is mixed with the new data, and what was trained otherwise than in the other rows. */
  readonly replay: string;
  /** Whether it was trained otherwise than the other rows. */
  readonly otherTraining: boolean;
  readonly state: VariantState;
  /** Why it failed. */
  readonly failure?: string;
  readonly examples: {
    readonly replay: number;
    readonly new: number;
    readonly share: number;
    readonly short: boolean;
    /** Of both, those whose last answer was cut at a token limit; null where an older mixture does not tell. */
    readonly cut: number | null;
  } | null;
  /** Tokens trained through, of prompts and answers. */
  readonly tokens: number | null;
  readonly steps: number | null;
  /** Of the model calls behind its replay set; null for the official model. */
  readonly dataCost: DataCost | null;
  readonly tasks: readonly VariantTask[];
  readonly average: number | null;
  readonly averageChange: Change | null;
  /** The task that lost most. */
  readonly worst: { readonly task: string; readonly change: number } | null;
}

/** What the store has of a variant. */
export interface VariantSource {
  readonly variant: Variant;
  readonly mixture: {
    readonly replay: number;
    readonly new: number;
    readonly share: number;
    readonly short?: boolean;
    readonly cut?: number;
  } | null;
  readonly training: { readonly tokens: number | null; readonly steps: number } | null;
  readonly evaluation: StoredEvaluation | undefined;
  readonly dataCost: DataCost | null;
  readonly failure?: string;
}

/**
 * The paper's table, with what it leaves out: each difference from the official model on the same documents, its interval
 * by paired bootstrap, its p by a paired permutation test, corrected for the number of comparisons, and what became of each document.
 */
export function reportComparison(spec: Pick<RunSpec, 'evaluate' | 'seed'>, sources: readonly VariantSource[]): VariantReport[] {
  const official = sources.find(({ variant }) => variant.replay === null)?.evaluation;
  const drafts = sources.map((source) => draft(spec, source, official));
  const changeOf = correctedChanges(
    drafts.flatMap(({ tasks, average }) => [...tasks.map(({ comparison }) => comparison), average]).filter((each) => each !== null),
  );
  return drafts.map(({ source, tasks, average }) => {
    const done = tasks.map(({ comparison, ...task }): VariantTask => ({ ...task, change: changeOf(comparison) }));
    const compared = done.flatMap(({ task, change }) => (change === null ? [] : [{ task, change: change.value }]));
    return {
      name: source.variant.name,
      kind: kindOf(source.variant),
      newShare: source.variant.newShare,
      replay: variantTitle(source.variant),
      otherTraining: source.variant.train !== undefined,
      state: stateOf(source),
      ...(source.failure === undefined ? {} : { failure: source.failure }),
      examples:
        source.mixture === null ? null : { ...source.mixture, short: source.mixture.short ?? false, cut: source.mixture.cut ?? null },
      tokens: source.training?.tokens ?? null,
      steps: source.training?.steps ?? null,
      dataCost: source.dataCost,
      tasks: done,
      average: source.evaluation?.result.average ?? null,
      averageChange: changeOf(average),
      worst: compared.length === 0 ? null : compared.reduce((worst, each) => (each.change < worst.change ? each : worst)),
    };
  });
}

type DraftTask = Omit<VariantTask, 'change'> & { readonly comparison: PairedComparison | null };

interface Draft {
  readonly source: VariantSource;
  readonly tasks: readonly DraftTask[];
  readonly average: PairedComparison | null;
}

function draft(spec: Pick<RunSpec, 'evaluate' | 'seed'>, source: VariantSource, official: StoredEvaluation | undefined): Draft {
  const {
    evaluation,
    variant: { name, replay },
  } = source;
  const paired: PairedTask[] = [];
  const tasks = spec.evaluate.tasks.flatMap(({ task, randomBaseline }): DraftTask[] => {
    const score = evaluation?.result.tasks.find((each) => each.task === task);
    if (evaluation === undefined || score === undefined) return [];
    const { primary, normalized, documents } = score;
    const row = { task, metric: primary.name, value: primary.value, stderr: primary.stderr, documents, normalized };
    if (official === undefined || replay === null) return [{ ...row, comparison: null, transitions: null }];
    const [before, after] = [samplesOf(official, task), samplesOf(evaluation, task)];
    const documentsOf = compareDocuments(before, after);
    if (!documentsOf.comparable) return [{ ...row, comparison: null, transitions: null, unpaired: documentsOf.reason }];
    const chance = chanceOf(task, randomBaseline);
    const differences = pairedDifferences(before, after);
    if (differences.length === 0) return [{ ...row, comparison: null, transitions: null, unpaired: 'no document has a score' }];
    const pair = { differences, scale: 100 / (1 - chance), ...(isRightOrWrong([...before, ...after]) ? { unit: 1 } : {}) };
    paired.push(pair);
    const { retained, forgotten, learned, neverRight } = documentsOf;
    return [
      {
        ...row,
        comparison: comparePaired([pair], { name: `${name}/${task}`, seed: spec.seed }),
        transitions: {
          documents: retained + forgotten + learned + neverRight,
          retained,
          forgotten,
          learned,
          neverRight,
          beyondChance: adjustForChance(documentsOf, chance),
        },
      },
    ];
  });
  // An average over fewer tasks would be another average.
  const average = paired.length === spec.evaluate.tasks.length ? comparePaired(paired, { name: `${name}/average`, seed: spec.seed }) : null;
  return { source, tasks, average };
}

function stateOf({ failure, evaluation, training, mixture }: VariantSource): VariantState {
  if (evaluation !== undefined) return 'evaluated';
  if (failure !== undefined) return 'failed';
  return training !== null ? 'trained' : mixture !== null ? 'mixed' : 'waiting';
}

/** after - before of the documents that both models answered, sorted by document. */
function pairedDifferences(before: readonly SampleRow[], after: readonly SampleRow[]): number[] {
  const earlier = new Map(before.map((row) => [row.docHash, scoreOf(row)]));
  return [...after]
    .sort((a, b) => (a.docHash < b.docHash ? -1 : 1))
    .flatMap((row) => {
      const was = earlier.get(row.docHash);
      const is = scoreOf(row);
      return was === undefined || was === null || is === null ? [] : [is - was];
    });
}

/** Whether no document is half right. */
function isRightOrWrong(rows: readonly SampleRow[]): boolean {
  return rows.every((row) => [null, 0, 1].includes(scoreOf(row)));
}

function scoreOf({ score, correct }: SampleRow): number | null {
  return score ?? (correct === null ? null : Number(correct));
}
