import { formatCount, formatDecimal, formatUsd, formatList, NO_VALUE, formatSigned } from '../../contract/figures';
import type { ReportData } from '../gather/run-report';
import { specDifferences } from '../gather/spec-differences';
import { info, table, text, type Block, type Cell, type ReportPage, type Section } from './blocks';
import { compareHeldOut } from './sections/compare-held-out';
import { taskName } from './task-name';

/** Two runs side by side: the settings that differ, the outputs they share, and their results. */
export function comparePage(a: ReportData, b: ReportData): ReportPage {
  return {
    title: `${a.runId} and ${b.runId}`,
    subtitle: 'Two runs side by side, from what the store holds of them.',
    state:
      a.finished && b.finished
        ? { text: 'Both finished', good: true }
        : { text: `Not finished: ${formatList([a, b].filter(({ finished }) => !finished).map(({ runId }) => runId))}`, good: false },
    figures: [],
    notes: [],
    sections: [settings(a, b), shared(a, b), outcomes(a, b), scores(a, b), ...compareHeldOut(a, b)],
    footer: `Report made ${b.generatedAt} by Rehearse.`,
  };
}

function settings(a: ReportData, b: ReportData): Section {
  const differences = specDifferences(a.spec, b.spec);
  return {
    id: 'settings',
    title: 'Settings that differ',
    blocks:
      differences.length === 0
        ? [info('The two specs are the same.')]
        : [
            table(
              'Fields of the spec',
              ['Field', a.runId, b.runId],
              differences.map(({ path, a: left, b: right }) => [{ text: path, tone: 'code' }, left ?? NO_VALUE, right ?? NO_VALUE]),
            ),
          ],
  };
}

/** Stages with the same key are one and the same output. */
function shared(a: ReportData, b: ReportData): Section {
  const name = ({ stage, model, generator }: ReportData['provenance'][number]): string =>
    [stage, model, ...(generator === undefined ? [] : [`of ${generator}`])].filter((part) => part !== '').join(' ');
  const keys = new Map(b.provenance.map((group) => [`${name(group)}\n${group.key}`, group]));
  const both = a.provenance.filter((group) => keys.has(`${name(group)}\n${group.key}`)).map(name);
  const only = a.provenance.filter((group) => !keys.has(`${name(group)}\n${group.key}`)).map(name);
  return {
    id: 'shared',
    title: 'What the two share',
    blocks: [
      text(
        both.length === 0
          ? 'No stage: each run computed all its outputs itself.'
          : `These outputs are the same, computed once: ${formatList(both)}.${only.length === 0 ? '' : ` Different: ${formatList(only)}.`}`,
      ),
    ],
  };
}

function outcomes(a: ReportData, b: ReportData): Section {
  const usd = ({ usage }: ReportData): number | null => {
    const priced = usage.flatMap((row) => (row.usd === null ? [] : [row.usd]));
    return priced.length === 0 ? null : priced.reduce((sum, each) => sum + each, 0);
  };
  const calls = ({ usage }: ReportData): number => usage.reduce((sum, row) => sum + row.calls, 0);
  const row = (label: string, value: (data: ReportData) => string): Cell[] => [label, value(a), value(b)];
  return {
    id: 'outcomes',
    title: 'Outcome',
    blocks: [
      table(
        'Counts',
        ['', `>${a.runId}`, `>${b.runId}`],
        [
          row('Instructions asked for', ({ synthesis }) => formatCount(synthesis.instructions.asked)),
          row('Replay set', ({ synthesis }) => formatCount(synthesis.instructions.kept)),
          row('Model calls', (data) => formatCount(calls(data))),
          row('Dollars', (data) => formatUsd(usd(data))),
          row('Examples trained on', ({ training }) => formatCount(training?.examples)),
          row('Steps', ({ training }) => formatCount(training?.steps)),
        ],
      ),
    ],
  };
}

function scores(a: ReportData, b: ReportData): Section {
  const names = [...new Set([...a.variants, ...b.variants].map(({ name }) => name))];
  const find = (data: ReportData, name: string): ReportData['variants'][number] | undefined =>
    data.variants.find((variant) => variant.name === name);
  const rows = names.flatMap((name): Cell[][] => {
    const [left, right] = [find(a, name), find(b, name)];
    const tasks = [...new Set([...(left?.tasks ?? []), ...(right?.tasks ?? [])].map(({ task }) => task))];
    const line = (label: string, x: number | null, y: number | null): Cell[] => [
      name,
      label,
      formatDecimal(x, 1),
      formatDecimal(y, 1),
      x === null || y === null ? NO_VALUE : formatSigned(y - x),
    ];
    return [
      ...tasks.map((task) =>
        line(
          taskName(task),
          left?.tasks.find((each) => each.task === task)?.normalized ?? null,
          right?.tasks.find((each) => each.task === task)?.normalized ?? null,
        ),
      ),
      line('Average', left?.average ?? null, right?.average ?? null),
    ];
  });
  const blocks: Block[] =
    rows.length === 0
      ? [info('Neither run has been evaluated.')]
      : [table('Normalised scores: 0 is chance, 100 is perfect', ['Variant', 'Task', `>${a.runId}`, `>${b.runId}`, '>Difference'], rows)];
  return { id: 'scores', title: 'Scores', blocks };
}
