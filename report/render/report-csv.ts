import type { Change } from '../gather/change';
import type { VariantReport } from '../gather/comparison-report';
import type { HeldOutSetReport } from '../gather/held-out-report';
import type { ContaminationMatch } from '../gather/quality-report';
import { csvText } from './csv';

type Value = string | number | null;

/** The table of the report, a row a variant: what it was trained on, its normalised scores, and its mean change. Shares are 0 to 1. */
export function variantsCsv(variants: readonly VariantReport[], tasks: readonly string[]): string {
  return csvText(
    [
      'variant',
      'replaySet',
      'state',
      'failure',
      'newShare',
      'replayExamples',
      'newExamples',
      'cutExamples',
      'tokens',
      'steps',
      'dataTokens',
      'dataUsd',
      ...tasks,
      'average',
      ...CHANGE_NAMES,
      'worstTask',
      'worstDifference',
    ],
    variants.map(
      ({ name, replay, state, failure = null, examples, tokens, steps, dataCost, tasks: done, average, averageChange, worst }) => [
        name,
        replay,
        state,
        failure,
        examples?.share ?? null,
        examples?.replay ?? null,
        examples?.new ?? null,
        examples?.cut ?? null,
        tokens,
        steps,
        dataCost?.tokens ?? null,
        dataCost?.usd ?? null,
        ...tasks.map((task) => done.find((each) => each.task === task)?.normalized ?? null),
        average,
        ...changeValues(averageChange),
        worst?.task ?? null,
        worst?.change ?? null,
      ],
    ),
  );
}

/** A row a variant and task: the task's own metric, the normalised score, its change, and what became of the documents. */
export function tasksCsv(variants: readonly VariantReport[]): string {
  return csvText(
    [
      'variant',
      'task',
      'metric',
      'value',
      'stderr',
      'documents',
      'normalized',
      ...CHANGE_NAMES,
      'paired',
      'retained',
      'forgotten',
      'gained',
      'neverRight',
      'forgottenBeyondChance',
      'gainedBeyondChance',
      'unpaired',
    ],
    variants.flatMap(({ name, tasks }) =>
      tasks.map(({ task, metric, value, stderr, documents, normalized, change, transitions, unpaired = null }): Value[] => [
        name,
        task,
        metric,
        value,
        stderr,
        documents,
        normalized,
        ...changeValues(change),
        transitions?.documents ?? null,
        transitions?.retained ?? null,
        transitions?.forgotten ?? null,
        transitions?.learned ?? null,
        transitions?.neverRight ?? null,
        transitions?.beyondChance.forgotten ?? null,
        transitions?.beyondChance.learned ?? null,
        unpaired,
      ]),
    ),
  );
}

/** A row a held-out set and variant: the loss in nats a token, and its change. */
export function heldOutCsv(sets: readonly HeldOutSetReport[]): string {
  return csvText(
    ['set', 'variant', 'share', 'conversations', 'tokens', 'loss', ...CHANGE_NAMES],
    sets.flatMap(({ set, conversations, tokens, variants }) =>
      variants.map(({ name, share, loss, change }): Value[] => [set, name, share, conversations, tokens, loss, ...changeValues(change)]),
    ),
  );
}

/** A row an instruction and the evaluation document that it shares words in a row with. Names of documents come from files that others wrote. */
export function contaminationCsv(matches: readonly ContaminationMatch[]): string {
  return csvText(
    ['instructionId', 'task', 'documentId', 'ngram'],
    matches.map(({ instructionId, task, documentId, ngram }) => [instructionId, task, documentId, ngram]),
  );
}

const CHANGE_NAMES = ['difference', 'low', 'high', 'p', 'adjustedP', 'test', 'verdict', 'smallest'] as const;

function changeValues(change: Change | null): Value[] {
  if (change === null) return CHANGE_NAMES.map(() => null);
  const { value, low, high, p, adjustedP, exact, verdict, smallest } = change;
  return [value, low, high, p, adjustedP, exact ? 'exact' : 'sampled', verdict, smallest];
}
