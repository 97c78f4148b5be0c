import { pauseAdvice } from '../../contract/control';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatErrors,
  formatRate,
  formatShortCount,
  formatTime,
  formatUsd,
} from '../../contract/figures';
import { healthSentence } from '../../contract/health-sentence';
import { leftText, type StageProgress } from '../../contract/progress';
import { budgetText } from '../progress/run-totals';
import { formatTable, oneLine, type TableColumn } from '../terminal/output';
import type { RunStatus, StatusRow } from './run-status';

/** The status as a page for people. */
export function renderStatus(status: RunStatus, nowMs: number): string {
  const { runId, startedAt, closedAt, rows } = status;
  const since = startedAt === null ? '' : `started ${formatTime(startedAt)} UTC`;
  const lasted =
    startedAt === null || status.status === null
      ? ''
      : formatDuration((closedAt === null ? nowMs : Date.parse(closedAt)) - Date.parse(startedAt));
  const head = [
    `Run ${runId}: ${status.paused !== null ? 'paused' : (status.status?.toLowerCase() ?? 'not on a server')}${status.stage === null || status.stage === 'done' ? '' : `, at ${status.stage}`}`,
    [status.target === null ? '' : `target ${status.target}`, since, lasted === '' ? '' : `${closedAt === null ? 'for' : 'took'} ${lasted}`]
      .filter((part) => part !== '')
      .join(', '),
    ...(status.url === null ? [] : [status.url]),
    ...(status.paused === null ? [] : [`Paused: ${oneLine(status.paused.reason, 600)}`, sentenceCase(pauseAdvice(runId, status.paused))]),
    ...(status.failureMessage === null
      ? []
      : [`Failed: ${oneLine(status.failureMessage, 600)}`, `Go on with: npx rehearse resume ${runId}`]),
  ];
  const table = rowsTable(status);
  const source =
    status.source === 'store' && status.status !== null
      ? ['(no worker answers for the run: these are the finished outputs in the store)']
      : [];
  const lines = [
    ...head,
    '',
    ...(rows.length === 0 ? ['No stage is planned yet.'] : [table, totalLine(status)]),
    ...source,
    ...diskLine(status.disk),
    ...(status.extraction === null ? [] : [`${healthSentence(status.extraction)}.`]),
    ...(status.extraction?.warnings ?? []).map((warning) => `! ${oneLine(warning, 400)}`),
    ...status.warnings.map((warning) => `! ${oneLine(warning, 400)}`),
  ];
  return `${lines.join('\n')}\n`;
}

interface Column extends TableColumn {
  readonly cell: (row: StatusRow) => string;
}

/** Columns in which no row has anything are left out. */
function rowsTable({ rows, source }: RunStatus): string {
  const right = { align: 'right' } as const;
  const perSecondOf = (row: StatusRow): StageProgress => ({ ...row, perSecond: row.perSecond ?? undefined });
  const always: readonly string[] = ['STAGE', 'MODEL', 'STATE', 'DONE', 'TOTAL', 'LOST'];
  const columns: readonly Column[] = [
    { name: 'STAGE', cell: ({ stage }) => stage },
    { name: 'MODEL', cell: ({ model }) => model },
    { name: 'STATE', cell: ({ state }) => (source === 'store' && state === 'running' ? 'partly done' : state) },
    { name: 'DONE', ...right, cell: ({ done }) => formatCount(done) },
    { name: 'TOTAL', ...right, cell: ({ total }) => formatCount(total) },
    { name: 'LOST', ...right, cell: ({ failed }) => formatCount(failed) },
    { name: 'RATE', ...right, cell: ({ state, perSecond }) => (state === 'running' && perSecond !== null ? formatRate(perSecond) : '') },
    { name: 'LEFT', ...right, cell: (row) => (source === 'store' ? '' : leftText(perSecondOf(row))) },
    {
      name: 'TOKENS',
      ...right,
      cell: ({ promptTokens, completionTokens }) =>
        promptTokens + completionTokens === 0 ? '' : formatShortCount(promptTokens + completionTokens),
    },
    { name: 'COST', ...right, cell: ({ usd }) => (usd === 0 ? '' : formatUsd(usd)) },
    { name: 'NOTE', cell: ({ note = '' }) => note },
    { name: 'ERRORS', cell: ({ errors }) => formatErrors(errors) },
  ];
  const shown = columns.filter(({ name, cell }) => always.includes(name) || rows.some((row) => cell(row) !== ''));
  return formatTable(
    shown,
    rows.map((row) => shown.map(({ cell }) => cell(row))),
  );
}

function totalLine({ totals, budget, spent }: Pick<RunStatus, 'totals' | 'budget' | 'spent'>): string {
  const { promptTokens, completionTokens, errors, synthesisLeftMs } = totals;
  const usd = spent?.usd ?? totals.usd;
  const limit = budgetText(budget ?? undefined);
  const faults = Object.values(errors).reduce((sum, count) => sum + count, 0);
  return [
    `In all: ${formatShortCount(promptTokens)} tokens in, ${formatShortCount(completionTokens)} out`,
    ...(usd > 0 ? [formatUsd(usd)] : []),
    ...(limit === '' ? [] : [limit]),
    ...(faults > 0 ? [`${formatCount(faults)} faults and refusals`] : []),
    ...(synthesisLeftMs === null ? [] : [`the synthesis ends in about ${formatDuration(synthesisLeftMs)}`]),
  ].join('; ');
}

function diskLine(disk: RunStatus['disk']): string[] {
  return disk === null ? [] : [`Disk: ${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)} free at ${disk.path}`];
}

function sentenceCase(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
