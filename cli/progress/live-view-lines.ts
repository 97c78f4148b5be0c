import { pauseAdvice } from '../../contract/control';
import { formatCount, formatDuration, formatErrors, formatRate, formatShortCount, formatUsd } from '../../contract/figures';
import { type StageProgress, leftMsOf } from '../../contract/progress';
import { oneLine } from '../terminal/output';
import type { RunProgress } from './run-reader';
import { totalsOf } from './run-totals';

const QUIET_MS = 10_000;

interface StageSum {
  readonly name: string;
  readonly rows: StageProgress[];
}

/**
 * The live view for a log: one line when a stage begins or ends, when something new goes wrong, and otherwise one every
 * ten seconds while anything moves.
 */
export class LogLines {
  private readonly states = new Map<string, StageProgress['state']>();
  private readonly warned = new Set<string>();
  private lastMs = Number.NEGATIVE_INFINITY;
  private lastSummary = '';
  private paused: string | undefined;

  /** Lines to print after this snapshot; the pace meter has seen it. */
  next(progress: RunProgress, nowMs: number): string[] {
    const stages = sumStages(progress.rows ?? []);
    const lines = [...stages.flatMap((stage) => this.change(stage)), ...this.pauseChange(progress)];
    for (const warning of progress.warnings) {
      const known = warning.replace(/\d+/g, '#'); // the same warning with another count is no news
      if (this.warned.has(known)) continue;
      this.warned.add(known);
      lines.push(`warning: ${oneLine(warning, 400)}`);
    }
    const running = progress.paused !== null ? [] : stages.filter((stage) => stateOf(stage.rows) === 'running').map(summary);
    const line = running.join('; ');
    if (lines.length === 0 && line !== '' && line !== this.lastSummary && nowMs - this.lastMs >= QUIET_MS) {
      lines.push(line);
      this.lastSummary = line;
    }
    if (lines.length > 0) this.lastMs = nowMs;
    return lines.map((text) => `${progress.runId}: ${text}`);
  }

  private pauseChange({ runId, paused }: RunProgress): string[] {
    const reason = paused?.reason;
    if (reason === this.paused) return [];
    this.paused = reason;
    return [paused === null ? 'goes on' : `paused: ${oneLine(paused.reason, 400)}; ${pauseAdvice(runId, paused)}`];
  }

  private change(stage: StageSum): string[] {
    const before = this.states.get(stage.name) ?? 'waiting';
    const now = stateOf(stage.rows);
    // An open shard that ends between two looks is missing for a moment: a stage that is done does not run again.
    if (before === now || before === 'done') return [];
    this.states.set(stage.name, now);
    return now === 'waiting'
      ? []
      : [now === 'running' ? `${stage.name} has begun (${formatCount(total(stage.rows, 'total'))} to do)` : doneLine(stage)];
  }
}

function summary(stage: StageSum): string {
  const moving = stage.rows.filter(({ state, perSecond }) => state === 'running' && perSecond !== undefined);
  const perSecond = moving.reduce((sum, row) => sum + (row.perSecond ?? 0), 0);
  const left = stage.rows.map(leftMsOf).filter((leftMs) => leftMs !== undefined);
  const note = stage.rows.find(({ state, note: text }) => state === 'running' && text !== undefined)?.note;
  return [
    `${stage.name} ${formatCount(total(stage.rows, 'done'))}/${formatCount(total(stage.rows, 'total'))}`,
    ...(perSecond > 0 ? [formatRate(perSecond)] : []),
    ...(left.length > 0 ? [`${formatDuration(Math.max(...left))} left`] : []),
    ...(note === undefined ? [] : [oneLine(note, 80)]),
  ].join(', ');
}

function doneLine({ name, rows }: StageSum): string {
  const lost = total(rows, 'failed');
  const tokens = total(rows, 'promptTokens') + total(rows, 'completionTokens');
  const { usd, errors: kinds } = totalsOf(rows);
  const errors = formatErrors(kinds);
  const parts = [
    `${formatCount(total(rows, 'done'))}/${formatCount(total(rows, 'total'))}`,
    ...(lost > 0 ? [`${formatCount(lost)} lost`] : []),
    ...(tokens > 0 ? [`${formatShortCount(tokens)} tokens`] : []),
    ...(usd > 0 ? [formatUsd(usd)] : []),
    ...(errors === '' ? [] : [oneLine(errors, 120)]),
    ...rows.flatMap(({ note }) => (note === undefined ? [] : [oneLine(note, 80)])),
  ];
  return `${name} is done: ${parts.join(', ')}`;
}

/** Rows by stage; what runs once a variant is a stage of its own. */
function sumStages(rows: readonly StageProgress[]): StageSum[] {
  const stages = new Map<string, StageSum>();
  for (const row of rows) {
    const name = ['mix', 'train', 'evaluate'].includes(row.stage) ? `${row.stage} ${row.model}` : row.stage;
    const stage = stages.get(name) ?? { name, rows: [] };
    stage.rows.push(row);
    stages.set(name, stage);
  }
  return [...stages.values()];
}

function stateOf(rows: readonly StageProgress[]): StageProgress['state'] {
  if (rows.every(({ state }) => state === 'done')) return 'done';
  return rows.every(({ state }) => state === 'waiting') ? 'waiting' : 'running';
}

function total(rows: readonly StageProgress[], field: 'done' | 'total' | 'failed' | 'promptTokens' | 'completionTokens'): number {
  return rows.reduce((sum, row) => sum + row[field], 0);
}
