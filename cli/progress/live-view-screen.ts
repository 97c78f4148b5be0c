import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import pc from 'picocolors';
import { pauseAdvice } from '../../contract/control';
import { formatCount, formatDuration, formatErrors, formatRate, formatShortCount, formatUsd } from '../../contract/figures';
import { leftText, type StageProgress } from '../../contract/progress';
import { clip, formatBar, oneLine } from '../terminal/output';
import type { RunProgress } from './run-reader';
import { budgetText, totalsOf } from './run-totals';

export interface FrameOptions {
  readonly progress: RunProgress;
  readonly nowMs: number;
  /** Size of the terminal, in characters. */
  readonly columns: number;
  readonly height: number;
  /** Shown below the title where known. */
  readonly url?: string;
  /** Such as that the server does not answer. */
  readonly notice?: string;
  /** Off for tests and NO_COLOR. */
  readonly color: boolean;
}

const MAX_WARNINGS = 3;
const BAR_WIDTH = 20;
const MARKS = { waiting: '·', running: '▶', paused: '⏸', done: '✓' } as const;

/** The live view as lines that fit the terminal. */
export function renderFrame({ progress, nowMs, columns, height, url, notice, color }: FrameOptions): string[] {
  const paint = pc.createColors(color);
  const width = Math.max(20, columns - 1);
  const fit = (line: string): string => oneLine(line, width);
  const rows = progress.rows ?? [];
  const warnings = [...(notice === undefined ? [] : [notice]), ...progress.warnings];
  const below = [
    ...(progress.paused === null
      ? []
      : [paint.yellow(fit(`⏸ paused: ${progress.paused.reason}`)), `  ${fit(pauseAdvice(progress.runId, progress.paused))}`]),
    ...warnings.slice(0, MAX_WARNINGS).map((warning) => paint.yellow(fit(`! ${warning}`))),
    ...(warnings.length > MAX_WARNINGS
      ? [paint.yellow(`! and ${warnings.length - MAX_WARNINGS} more: see "npx rehearse status ${progress.runId}"`)]
      : []),
  ];
  const elapsed = (progress.closedAt === null ? nowMs : Date.parse(progress.closedAt)) - Date.parse(progress.startedAt);
  const title = [
    `Run ${progress.runId}`,
    progress.target ?? '',
    progress.paused === null ? progress.status.toLowerCase() : 'paused',
    formatDuration(elapsed),
    ...totalTexts(progress),
  ]
    .filter((part) => part !== '')
    .join(' · ');
  const above = [paint.bold(fit(title)), ...(url === undefined ? [] : [paint.dim(fit(url))])];
  if (rows.length === 0) {
    return [...above, progress.rows === null ? 'waiting for the run to answer …' : 'checking the spec, planning the stages …', ...below];
  }

  const room = Math.max(3, height - above.length - below.length - 1);
  const shown = foldRows(rows, room);
  const nameWidth = Math.max(...shown.map((row) => nameOf(row).length));
  const lines = shown.map((row) => {
    const line = clip(rowLine(row, nameWidth), width);
    if (row.state === 'waiting') return paint.dim(line);
    return row.state === 'done' ? paint.green(line.slice(0, 1)) + line.slice(1) : paint.cyan(line.slice(0, 1)) + line.slice(1);
  });
  const hidden = rows.length - shown.length;
  return [...above, ...lines, ...(hidden > 0 ? [paint.dim(`  … and ${hidden} more rows`)] : []), ...below];
}

/** What the run has cost, and when its synthesis ends. */
function totalTexts({ rows, budget }: RunProgress): string[] {
  const { usd, synthesisLeftMs } = totalsOf(rows ?? []);
  return [
    usd > 0 ? formatUsd(usd) : '',
    budgetText(budget),
    synthesisLeftMs === null ? '' : `synthesis ${formatDuration(synthesisLeftMs)} left`,
  ];
}

function rowLine(row: StageProgress, nameWidth: number): string {
  const start = `${MARKS[row.state]} ${nameOf(row).padEnd(nameWidth)}  ${formatBar(row.total === 0 ? 0 : row.done / row.total, BAR_WIDTH)}  ${`${formatCount(row.done)}/${formatCount(row.total)}`.padStart(11)}`;
  const tokens = row.promptTokens + row.completionTokens;
  const errors = formatErrors(row.errors);
  const parts = [
    ...(row.perSecond === undefined || row.state !== 'running' ? [] : [`${formatRate(row.perSecond)}, ${leftText(row)} left`]),
    ...(row.failed > 0 ? [`${formatCount(row.failed)} lost`] : []),
    ...(tokens > 0 ? [`${formatShortCount(tokens)} tokens`] : []),
    ...(row.usd > 0 ? [formatUsd(row.usd)] : []),
    ...(errors === '' ? [] : [oneLine(errors, 60)]),
    ...(row.note === undefined ? [] : [oneLine(row.note)]),
  ];
  return `${start}  ${parts.join(' · ')}`.trimEnd();
}

function nameOf({ stage, model }: StageProgress): string {
  return model === '' ? stage : `${stage} ${model}`;
}

/** Where not all rows fit: those that run first, then those that wait, then what is done; always in the run's order. */
function foldRows(rows: readonly StageProgress[], room: number): readonly StageProgress[] {
  if (rows.length <= room) return rows;
  const rank = { running: 0, paused: 0, waiting: 1, done: 2 } as const;
  const kept = new Set([...rows].sort((a, b) => rank[a.state] - rank[b.state]).slice(0, room - 1));
  return rows.filter((row) => kept.has(row));
}

/** Draws frames over one another on a terminal. */
export class Screen {
  private drawn: readonly string[] = [];

  constructor(private readonly stream: NodeJS.WritableStream) {
    // Lines that are too long are cut, not wrapped: a wrapped line would break the count of lines to go back.
    stream.write('\u001b[?25l\u001b[?7l');
  }

  draw(lines: readonly string[]): void {
    if (lines.join('\n') === this.drawn.join('\n')) return;
    this.rewind();
    this.stream.write(lines.map((line) => `${line}\n`).join(''));
    this.drawn = lines;
  }

  /** Gives the terminal back as it was; the last frame stays. */
  close(): void {
    this.stream.write('\u001b[?7h\u001b[?25h');
  }

  private rewind(): void {
    if (this.drawn.length === 0) return;
    moveCursor(this.stream, 0, -this.drawn.length);
    cursorTo(this.stream, 0);
    clearScreenDown(this.stream);
  }
}
