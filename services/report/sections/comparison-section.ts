import { columns, info, table, text, warning, type Block, type Cell, type Section } from '../blocks';
import { intervalChart, lineChart, transitionsChart } from '../charts';
import type { Change, VariantReport } from '../comparison-report';
import { count, decimal, list, NOTHING, percent, shortCount, signed } from '../format';
import { taskName } from './scores-section';

const STATES = { evaluated: '', trained: 'trained, not evaluated yet', mixed: 'mixed, not trained yet', waiting: 'not begun', failed: 'failed' } as const;

/** The paper's table: every variant, what it was trained on, and what became of each task. Only where there is more than one to compare. */
export function comparisonSection(variants: readonly VariantReport[], baseShare: number): Section | undefined {
  if (variants.filter(({ name }) => name !== 'official').length < 2) return undefined;
  return {
    id: 'comparison',
    title: 'Replay sets compared',
    blocks: [
      text('Every row is the same model after the same training, on another mixture. The official model is not trained: it is what the others are compared with.'),
      scoreTable(variants),
      ...failures(variants),
      ...differences(variants),
      ...shares(variants, baseShare),
      budgetTable(variants),
    ],
  };
}

function scoreTable(variants: readonly VariantReport[]): Block {
  const tasks = tasksOf(variants);
  return table(
    'Normalised scores: 0 is chance, 100 is perfect; in brackets the difference from the official model',
    ['Variant', 'Replay set', ...tasks.map((task) => `>${taskName(task)}`), '>Average', 'Worst task'],
    variants.map(({ name, replay, state, tasks: done, average, averageChange, worst }) => [
      { text: name, tone: 'strong' }, replay,
      ...tasks.map((task): Cell => {
        const found = done.find((each) => each.task === task);
        return found === undefined ? STATES[state] === '' ? NOTHING : { text: STATES[state], tone: state === 'failed' ? 'bad' : 'dim' } : scoreCell(found.normalized, found.change);
      }),
      average === null ? NOTHING : scoreCell(average, averageChange),
      worst === null ? NOTHING : `${taskName(worst.task)} ${signed(worst.change)}`,
    ]),
  );
}

/** Coloured only where the corrected interval leaves no doubt. */
function scoreCell(score: number, change: Change | null): Cell {
  if (change === null) return decimal(score, 1);
  const shown = `${decimal(score, 1)} (${signed(change.value)})`;
  if (change.adjustedP >= 0.05) return shown;
  return { text: shown, tone: change.value < 0 ? 'bad' : 'good' };
}

function failures(variants: readonly VariantReport[]): Block[] {
  return variants.flatMap(({ name, failure }) => (failure === undefined ? [] : [warning(`${name} failed: ${failure}`)]));
}

function differences(variants: readonly VariantReport[]): Block[] {
  const compared = variants.flatMap(({ name, averageChange }) => (averageChange === null ? [] : [{ name, change: averageChange }]));
  const counted = variants.flatMap((variant) => transitionsOf(variant));
  if (compared.length === 0) return [info('No trained variant can be compared with the official model yet.')];
  const rows = variants.flatMap(({ name, tasks }) => tasks.flatMap(({ task, change, transitions, unpaired }): Cell[][] => {
    if (change === null || transitions === null) return unpaired === undefined ? [] : [[name, taskName(task), NOTHING, NOTHING, NOTHING, unpaired, NOTHING, NOTHING]];
    return [[
      name, taskName(task), signed(change.value), `${signed(change.low)} to ${signed(change.high)}`, pValue(change.adjustedP),
      `${count(transitions.forgotten)} / ${count(transitions.learned)} of ${count(transitions.documents)}`,
      decimal(transitions.beyondChance.forgotten, 1), decimal(transitions.beyondChance.learned, 1),
    ]];
  }));
  return [
    columns(
      {
        kind: 'chart', title: 'Average: difference from the official model, with its 95 % interval',
        alt: compared.map(({ name, change }) => `${name} ${signed(change.value)}, from ${signed(change.low)} to ${signed(change.high)}`).join('; '),
        spec: intervalChart(compared.map(({ name, change }) => ({ name, ...change, label: signed(change.value) })), 'points'), numbers: null,
      },
      {
        kind: 'chart', title: 'Documents forgotten and gained, all tasks',
        alt: counted.map(({ name, forgotten, learned }) => `${name}: ${forgotten} forgotten, ${learned} gained`).join('; '),
        legend: [{ name: 'forgotten (right → wrong)', mark: 'c4' }, { name: 'gained (wrong → right)', mark: 'c2' }],
        spec: transitionsChart(counted), numbers: null,
      },
    ),
    table(
      'Each task on the documents that both models answered: difference on the leaderboard’s scale, 95 % interval by paired bootstrap, p corrected for all comparisons of this page (Holm), documents forgotten / gained, and how many of them guessing does not explain',
      ['Variant', 'Task', '>Difference', '>95 % interval', '>p', '>Forgotten / gained', '>Forgotten beyond chance', '>Gained beyond chance'],
      rows,
    ),
  ];
}

function transitionsOf({ name, tasks }: VariantReport): { readonly name: string; readonly forgotten: number; readonly learned: number }[] {
  const known = tasks.flatMap(({ transitions }) => (transitions === null ? [] : [transitions]));
  if (known.length === 0) return [];
  return [{ name, forgotten: known.reduce((sum, each) => sum + each.forgotten, 0), learned: known.reduce((sum, each) => sum + each.learned, 0) }];
}

/** The method at several shares of new data, where there are several. */
function shares(variants: readonly VariantReport[], baseShare: number): Block[] {
  const points = variants.flatMap(({ name, examples, averageChange }) =>
    examples === null || averageChange === null || !(name === 'method' || name.startsWith('method-share-')) ? [] : [{ x: examples.share, y: averageChange.value }]);
  if (points.length < 2) return [];
  const sorted = points.sort((a, b) => a.x - b.x);
  return [{
    kind: 'chart', title: `The method at other shares of new data (the spec’s own is ${percent(baseShare, 0)})`,
    alt: sorted.map(({ x, y }) => `${percent(x)}: ${signed(y)}`).join('; '),
    spec: lineChart(sorted.map(({ x, y }) => ({ x: x * 100, y })), { x: 'new data, % of the examples', y: 'points from the official model' }), numbers: null,
  }];
}

function budgetTable(variants: readonly VariantReport[]): Block {
  const short = variants.filter(({ examples }) => examples?.short === true).map(({ name }) => name);
  return table(
    `What each variant was trained on${short.length === 0 ? '' : `; too few replay examples in ${list(short)}`}`,
    ['Variant', '>Examples', '>Replay', '>New', '>Share of new data', '>Tokens', '>Steps'],
    variants.filter(({ examples }) => examples !== null).map(({ name, examples, tokens, steps }) => [
      name, count((examples?.replay ?? 0) + (examples?.new ?? 0)), count(examples?.replay), count(examples?.new), percent(examples?.share ?? null),
      tokens === null ? NOTHING : shortCount(tokens), count(steps),
    ]),
  );
}

function tasksOf(variants: readonly VariantReport[]): string[] {
  return [...new Set(variants.flatMap(({ tasks }) => tasks.map(({ task }) => task)))];
}

function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
