import type { StageProgress } from '../workflows/types';
import { pauseAdvice } from './control-run';
import { formatCount, formatDuration, formatRate, formatShortCount, oneLine } from './output';
import type { RunProgress } from './run-progress';
import type { Pace, PaceMeter } from './run-progress-rate';

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

  constructor(private readonly pace: PaceMeter) {}

  /** Lines to print after this snapshot; the pace meter has seen it. */
  next(progress: RunProgress, nowMs: number): string[] {
    const stages = sumStages(progress.rows ?? []);
    const lines = [...stages.flatMap((stage) => this.change(stage)), ...this.pauseChange(progress)];
    for (const warning of progress.warnings) {
      const known = warning.replace(/\d+/g, '#'); // the same trouble with another count is no news
      if (this.warned.has(known)) continue;
      this.warned.add(known);
      lines.push(`warning: ${oneLine(warning, 400)}`);
    }
    const running = progress.paused !== null ? [] : stages.filter((stage) => stateOf(stage.rows) === 'running').map((stage) => this.summary(stage, nowMs));
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
    return [reason === undefined ? 'goes on' : `paused: ${oneLine(reason, 400)}; ${pauseAdvice(runId)}`];
  }

  private change(stage: StageSum): string[] {
    const before = this.states.get(stage.name) ?? 'waiting';
    const now = stateOf(stage.rows);
    // An open shard that ends between two looks is missing for a moment: a stage that is done does not run again.
    if (before === now || before === 'done') return [];
    this.states.set(stage.name, now);
    return now === 'waiting' ? [] : [now === 'running' ? `${stage.name} has begun (${formatCount(total(stage.rows, 'total'))} to do)` : doneLine(stage)];
  }

  private summary(stage: StageSum, nowMs: number): string {
    const done = total(stage.rows, 'done');
    const paces = stage.rows.map((row) => this.pace.of(row, nowMs)).filter((pace): pace is Pace => pace !== undefined);
    const perSecond = paces.reduce((sum, pace) => sum + pace.perSecond, 0);
    const pace = perSecond > 0 ? `, ${formatRate(perSecond)}, ${formatDuration(Math.max(...paces.map(({ leftMs }) => leftMs)))} left` : '';
    const note = stage.rows.find(({ state, note: text }) => state === 'running' && text !== undefined)?.note;
    return `${stage.name} ${formatCount(done)}/${formatCount(total(stage.rows, 'total'))}${pace}${note === undefined ? '' : `, ${oneLine(note, 80)}`}`;
  }
}

function doneLine({ name, rows }: StageSum): string {
  const lost = total(rows, 'failed');
  const tokens = total(rows, 'promptTokens') + total(rows, 'completionTokens');
  const parts = [
    `${formatCount(total(rows, 'done'))}/${formatCount(total(rows, 'total'))}`,
    ...(lost > 0 ? [`${formatCount(lost)} lost`] : []),
    ...(tokens > 0 ? [`${formatShortCount(tokens)} tokens`] : []),
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
