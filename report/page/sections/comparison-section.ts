import {
  formatCount,
  formatDecimal,
  formatUsd,
  formatList,
  NO_VALUE,
  formatPercent,
  formatPValue,
  formatShortCount,
  formatSigned,
} from '../../../contract/figures';
import type { Change } from '../../gather/change';
import type { VariantReport } from '../../gather/comparison-report';
import { columns, details, info, table, text, warning, type Block, type Cell, type Section } from '../blocks';
import { fromTo, intervalText, toneOfChange, verdictText, WOULD_HAVE_BEEN_SEEN } from '../change-text';
import { intervalChart } from '../charts/score-charts';
import { taskName } from '../task-name';
import { costAgainstForgetting, shareCurve, slopes, transitionBars } from './forgetting-plots';

const STATES = {
  evaluated: '',
  trained: 'trained, not evaluated yet',
  mixed: 'mixed, not trained yet',
  waiting: 'not begun',
  failed: 'failed',
} as const;

/** The paper's table: every variant, what it was trained on, and what became of each task. Only where there is more than one to compare. */
export function comparisonSection(variants: readonly VariantReport[], baseShare: number): Section | undefined {
  if (variants.filter(({ name }) => name !== 'official').length < 2) return undefined;
  return {
    id: 'comparison',
    title: 'Replay sets compared',
    blocks: [
      text(
        'Every row is the same model after the same training, on another mixture. The official model is not trained: it is what the others are compared with.',
      ),
      scoreTable(variants),
      text(
        'A difference is the mean over the documents. It is not exactly that of two scores where a score is cut off at chance, or counts something else too, as half of IFEval’s counts rules.',
      ),
      ...failures(variants),
      ...slopes(variants, baseShare),
      ...changes(variants),
      ...plots(shareCurve(variants, baseShare), costAgainstForgetting(variants, baseShare)),
      ...taskTable(variants),
      budgetTable(variants),
    ],
  };
}

function scoreTable(variants: readonly VariantReport[]): Block {
  const tasks = tasksOf(variants);
  return table(
    'Normalised scores: 0 is chance, 100 is perfect; in brackets the difference from the official model, coloured where the corrected p is below 0.05 and the documents are not too few to say',
    ['Variant', 'Replay set', ...tasks.map((task) => `>${taskName(task)}`), '>Average', 'Worst task'],
    variants.map(({ name, replay, state, tasks: done, average, averageChange, worst }) => [
      { text: name, tone: 'strong' },
      replay,
      ...tasks.map((task): Cell => {
        const found = done.find((each) => each.task === task);
        return found === undefined
          ? STATES[state] === ''
            ? NO_VALUE
            : { text: STATES[state], tone: state === 'failed' ? 'bad' : 'dim' }
          : scoreCell(found.normalized, found.change);
      }),
      average === null ? NO_VALUE : scoreCell(average, averageChange),
      worst === null ? NO_VALUE : `${taskName(worst.task)} ${formatSigned(worst.change)}`,
    ]),
  );
}

function scoreCell(score: number, change: Change | null): Cell {
  if (change === null) return formatDecimal(score, 1);
  const shown = `${formatDecimal(score, 1)} (${formatSigned(change.value)})`;
  const tone = toneOfChange(change, 'higher');
  return tone === undefined ? shown : { text: shown, tone };
}

function failures(variants: readonly VariantReport[]): Block[] {
  return variants.flatMap(({ name, failure }) => (failure === undefined ? [] : [warning(`${name} failed: ${failure}`)]));
}

/** Each variant's mean change with its interval, and what became of all documents. */
function changes(variants: readonly VariantReport[]): Block[] {
  const compared = variants.flatMap(({ name, averageChange }) => (averageChange === null ? [] : [{ name, change: averageChange }]));
  if (compared.length === 0) return [info('No trained variant can be compared with the official model on every task yet.')];
  return [
    columns(
      {
        kind: 'chart',
        title: 'Average: difference from the official model, with its 95 % interval',
        alt: compared.map(({ name, change }) => `${name} ${formatSigned(change.value)}${fromTo(change)}`).join('; '),
        spec: intervalChart(
          compared.map(({ name, change }) => ({
            name,
            ...change,
            label: formatSigned(change.value),
            tone: toneOfChange(change, 'higher'),
          })),
          'points',
        ),
        numbers: null,
      },
      ...transitionBars(variants),
    ),
  ];
}

const ROWS_OPEN = 16;

/** Every task of every variant; a long table is folded. */
function taskTable(variants: readonly VariantReport[]): Block[] {
  const rows = variants.flatMap(({ name, tasks }) =>
    tasks.flatMap(({ task, change, transitions, unpaired }): Cell[][] => {
      if (change === null || transitions === null) {
        return unpaired === undefined ? [] : [[name, taskName(task), NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE, unpaired, NO_VALUE, NO_VALUE]];
      }
      return [
        [
          name,
          taskName(task),
          formatSigned(change.value),
          intervalText(change),
          formatPValue(change.adjustedP),
          verdictText(change),
          `${formatCount(transitions.forgotten)} / ${formatCount(transitions.learned)} of ${formatCount(transitions.documents)}`,
          formatDecimal(transitions.beyondChance.forgotten, 1),
          formatDecimal(transitions.beyondChance.learned, 1),
        ],
      ];
    }),
  );
  if (rows.length === 0) return [];
  const whole = table(
    `Each task on the documents that both models answered: difference on the leaderboard’s scale, 95 % interval by paired bootstrap (BCa), p by a paired permutation test, corrected for all comparisons of this table and of the averages (Holm), documents forgotten / gained, and how many of them guessing does not explain; ${WOULD_HAVE_BEEN_SEEN}`,
    [
      'Variant',
      'Task',
      '>Difference',
      '>95 % interval',
      '>p',
      'What it says',
      '>Forgotten / gained',
      '>Forgotten beyond chance',
      '>Gained beyond chance',
    ],
    rows,
  );
  return [rows.length <= ROWS_OPEN ? whole : details('Task by task: differences, intervals, documents forgotten and gained', whole)];
}

/** Side by side, where there are any. */
function plots(...groups: readonly (readonly Block[])[]): Block[] {
  const all = groups.flat();
  return all.length === 0 ? [] : [columns(...all)];
}

function budgetTable(variants: readonly VariantReport[]): Block {
  const short = variants.filter(({ examples }) => examples?.short === true).map(({ name }) => name);
  return table(
    `What each variant was trained on${short.length === 0 ? '' : `; too few replay examples in ${formatList(short)}`}`,
    [
      'Variant',
      '>Examples',
      '>Replay',
      '>New',
      '>Share of new data',
      '>Cut answers',
      '>Tokens',
      '>Steps',
      '>Tokens of the calls behind it',
      '>Dollars',
    ],
    variants
      .filter(({ examples }) => examples !== null)
      .map(({ name, examples, tokens, steps, dataCost }) => [
        name,
        formatCount((examples?.replay ?? 0) + (examples?.new ?? 0)),
        formatCount(examples?.replay),
        formatCount(examples?.new),
        formatPercent(examples?.share ?? null),
        formatCount(examples?.cut),
        formatShortCount(tokens),
        formatCount(steps),
        formatShortCount(dataCost?.tokens),
        formatUsd(dataCost?.usd),
      ]),
  );
}

function tasksOf(variants: readonly VariantReport[]): string[] {
  return [...new Set(variants.flatMap(({ tasks }) => tasks.map(({ task }) => task)))];
}
