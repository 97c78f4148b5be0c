import { defineQuery, defineSignal, setCurrentDetails } from '@temporalio/workflow';
import type { Pause } from './control';
import type { StageOutcome, StageProgress } from './types';

/** Asked of `experiment`, `synthesis`, `synthesizeShard` and `variant`: the rows of their progress table. */
export const progressQuery = defineQuery<readonly StageProgress[]>('progress');

/** Sent to `experiment` by its descendants: rows that replace, or counts that are added to, those of the same stage and model. */
export const progressSignal = defineSignal<[ProgressUpdate]>('progress');

export interface ProgressUpdate {
  readonly mode: 'add' | 'replace';
  readonly rows: readonly StageProgress[];
}

const STATE_MARKS = { waiting: '·', running: '▶', paused: '⏸', done: '✓' } as const;

/** The progress table of one workflow, shown in the Web UI as its current details. */
export class ProgressTable {
  private readonly rows = new Map<string, StageProgress>();
  private paused: Pause | undefined;

  constructor(
    private heading: string,
    rows: readonly StageProgress[],
  ) {
    this.begin(heading, rows);
  }

  /** The rows, now that they are known. */
  begin(heading: string, rows: readonly StageProgress[]): void {
    this.heading = heading;
    for (const row of rows) this.rows.set(keyOf(row), row);
    this.show();
  }

  /** What runs shows as paused, with the reason above the table, until it is called without a pause. */
  pause(pause: Pause | undefined): void {
    this.paused = pause;
    this.show();
  }

  snapshot(): readonly StageProgress[] {
    const rows = [...this.rows.values()];
    return this.paused === undefined ? rows : rows.map((row) => (row.state === 'running' ? { ...row, state: 'paused' } : row));
  }

  apply({ mode, rows }: ProgressUpdate): void {
    for (const told of rows) {
      // Whether all is paused is this table's own to say: what it is told may be older.
      const row: StageProgress = told.state === 'paused' ? { ...told, state: 'running' } : told;
      const before = this.rows.get(keyOf(row));
      this.rows.set(keyOf(row), mode === 'add' && before !== undefined ? sum(before, row) : row);
    }
    this.show();
  }

  /** Marks a row as running, waits for the work, and books its outcome. */
  async track(row: { readonly stage: string; readonly model: string; readonly items: number }, work: () => Promise<StageOutcome>): Promise<StageOutcome> {
    const before = this.rows.get(keyOf(row)) ?? waiting(row.stage, row.model, row.items);
    this.apply({ mode: 'replace', rows: [{ ...before, state: 'running' }] });
    const outcome = await work();
    this.apply({ mode: 'add', rows: [{ ...waiting(row.stage, row.model, 0), done: row.items, failed: row.items - outcome.usable, promptTokens: outcome.promptTokens, completionTokens: outcome.completionTokens }] });
    return outcome;
  }

  private show(): void {
    const lines = this.snapshot().map(
      (row) =>
        `| ${STATE_MARKS[row.state]} ${row.stage} | ${row.model} | ${row.done} / ${row.total} | ${row.failed} | ` +
        `${row.promptTokens + row.completionTokens} | ${row.note ?? ''} |`,
    );
    setCurrentDetails(
      [this.heading, '', ...(this.paused === undefined ? [] : [`**Paused**: ${this.paused.reason}`, '']), '| stage | model | done | lost | tokens | |', '| --- | --- | ---: | ---: | ---: | --- |', ...lines].join('\n'),
    );
  }
}

/** A row on which nothing has happened yet. */
export function waiting(stage: string, model: string, total: number): StageProgress {
  return { stage, model, done: 0, total, failed: 0, promptTokens: 0, completionTokens: 0, state: 'waiting' };
}

function sum(a: StageProgress, b: StageProgress): StageProgress {
  const done = a.done + b.done;
  return {
    ...a,
    done,
    failed: a.failed + b.failed,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    state: done >= a.total ? 'done' : 'running',
    ...(b.note === undefined ? {} : { note: b.note }),
  };
}

function keyOf(row: { readonly stage: string; readonly model: string }): string {
  return `${row.stage}/${row.model}`;
}
