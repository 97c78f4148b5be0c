import { formatCount, formatUsd, formatDuration, formatList, NO_VALUE } from '../../../contract/figures';
import type { ReportData } from '../../gather/run-report';
import type { StageUsage } from '../../gather/stage-ledger';
import { columns, table, text, type Block, type Section } from '../blocks';
import { barChart } from '../charts/bar-chart';
import { modelColors } from '../charts/model-colors';

/** Calls, tokens, time and money of each stage and model. */
export function workSection({ usage, probed, activeMs, spec }: Pick<ReportData, 'usage' | 'probed' | 'activeMs' | 'spec'>): Section {
  const done = usage.filter(({ parts }) => parts.done > 0);
  const faults = done.flatMap(({ stage, model, transient }) =>
    Object.entries(transient).map(([kind, number]) => `${formatCount(number)} × ${kind} at ${stage} ${model}`.trim()),
  );
  return {
    id: 'work',
    title: 'Calls, tokens and time',
    blocks: [
      text(
        `All stages together were at work for ${formatDuration(activeMs)}. First to last is from a stage’s first start to its last finish, pauses included; stages and models overlap. Model time is the sum over ` +
          'calls that run side by side, so it can be longer. Outputs of earlier runs are counted where this run uses them.',
      ),
      ...(done.length === 0 ? [] : [columns(timeChart(done, modelColors(spec)))]),
      usageTable(usage),
      ...(probed === null || probed.tokens === 0
        ? []
        : [
            text(
              `Besides, the endpoints were asked what they take, with ${formatCount(probed.tokens)} tokens${probed.usd === 0 ? '' : ` for ${formatUsd(probed.usd)}`}.`,
            ),
          ]),
      ...(faults.length === 0 ? [] : [text(`Faults that were retried: ${formatList(faults)}.`)]),
    ],
  };
}

function timeChart(usage: readonly StageUsage[], colors: ReturnType<typeof modelColors>): Block {
  // What is evaluated is a variant, whose name may also be a model's.
  const parts = usage.map(({ stage, model, activeMs }) => ({
    row: stage,
    part: stage !== 'evaluate' && colors.has(model) ? model : '',
    value: activeMs / 1000,
  }));
  const total = (stage: string): number => usage.filter((row) => row.stage === stage).reduce((sum, row) => sum + row.activeMs, 0);
  return {
    kind: 'chart',
    title: 'Time at work by stage and model',
    alt: [...new Set(usage.map(({ stage }) => stage))].map((stage) => `${stage} ${formatDuration(total(stage))}`).join('; '),
    legend: [...[...colors].map(([name, mark]) => ({ name, mark })), { name: 'no model endpoint', mark: 'neutral' as const }],
    spec: barChart(
      parts.map((part) => ({ ...part, label: formatDuration(total(part.row)) })),
      { ...Object.fromEntries(colors), '': 'neutral' },
      null,
    ),
    numbers: null,
  };
}

function usageTable(usage: readonly StageUsage[]): Block {
  const sum = (value: (row: StageUsage) => number): number => usage.reduce((total, row) => total + value(row), 0);
  const priced = usage.some(({ usd }) => usd !== null);
  return table(
    'Work by stage and model',
    [
      'Stage',
      'Model',
      '>Parts',
      '>Rows',
      '>Lost',
      '>Calls',
      '>Requests',
      '>Prompt tokens',
      '>Completion tokens',
      '>First to last',
      '>Model time',
      ...(priced ? ['>Dollars'] : []),
    ],
    usage.map((row) => [
      row.stage,
      row.model === '' ? NO_VALUE : row.model,
      row.parts.done === row.parts.planned
        ? formatCount(row.parts.done)
        : { text: `${row.parts.done} of ${row.parts.planned}`, tone: 'bad' as const },
      formatCount(row.rows),
      row.lost === 0 ? '0' : { text: formatCount(row.lost), tone: 'bad' as const },
      ...(row.calls + row.requests === 0
        ? [NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE]
        : [formatCount(row.calls), formatCount(row.requests), formatCount(row.promptTokens), formatCount(row.completionTokens)]),
      row.parts.done === 0 ? NO_VALUE : formatDuration(row.wallMs),
      row.modelMs === 0 ? NO_VALUE : formatDuration(row.modelMs),
      ...(priced ? [formatUsd(row.usd)] : []),
    ]),
    [
      'All',
      '',
      '',
      '',
      formatCount(sum(({ lost }) => lost)),
      formatCount(sum(({ calls }) => calls)),
      formatCount(sum(({ requests }) => requests)),
      formatCount(sum(({ promptTokens }) => promptTokens)),
      formatCount(sum(({ completionTokens }) => completionTokens)),
      '',
      formatDuration(sum(({ modelMs }) => modelMs)),
      ...(priced ? [formatUsd(sum(({ usd }) => usd ?? 0))] : []),
    ],
  );
}
