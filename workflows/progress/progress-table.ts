import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { BatchOutcome } from '../../contract/batches';
import { pauseAdvice, type Pause } from '../../contract/control';
import { rowKey, type ProgressStage, type ProgressUpdate, type StageProgress, waiting } from '../../contract/progress';
import { withCounts } from '../../method/cost';
import { RecentRate } from '../../method/recent-rate';
import { markdownTable, markdownText } from './markdown-table';

/** A workflow sees only whole batches and shards end, some minutes apart: a shorter window would mostly be empty. */
const RATE_WINDOW_MS = 15 * 60_000;

/** Items of a stage that are worked on, all with one model. */
export interface StageItems {
  readonly stage: ProgressStage;
  /** Empty for a stage without one. */
  readonly model: string;
  /** `usable`: as many as turn out usable, of a part whose size nobody knows before. */
  readonly items: number | 'usable';
}

/** The progress table of one workflow, shown in the Web UI as its current details. */
export class ProgressTable {
  private readonly rows = new Map<string, StageProgress>();
  private readonly rates = new Map<string, RecentRate>();
  private paused: Pause | undefined;
  private failure: string | undefined;

  constructor(
    private heading: string,
    rows: readonly StageProgress[],
  ) {
    this.begin(heading, rows);
  }

  /** The rows, now that they are known. */
  begin(heading: string, rows: readonly StageProgress[]): void {
    this.heading = heading;
    for (const row of rows.map(whole)) {
      this.rows.set(rowKey(row), row);
      this.rateOf(row).add(Date.now(), row.done);
    }
    this.show();
  }

  /** Rows that run are shown as paused, with the reason above the table, until this is called without a pause. */
  pause(pause: Pause | undefined): void {
    const isResumed = this.paused !== undefined && pause === undefined;
    this.paused = pause;
    for (const row of isResumed ? this.rows.values() : []) {
      const rate = this.rateOf(row);
      rate.restart();
      rate.add(Date.now(), row.done);
    }
    this.show();
  }

  /** The run has failed: why stands above the table. */
  fail(reason: string): void {
    this.failure = reason;
    this.show();
  }

  snapshot(): readonly StageProgress[] {
    const rows = [...this.rows.values()];
    return this.paused === undefined ? rows : rows.map((row) => (row.state === 'running' ? { ...row, state: 'paused' } : row));
  }

  apply({ mode, rows }: ProgressUpdate): void {
    for (const told of rows) {
      // Whether all is paused is known here: a row from another workflow may be older.
      const row: StageProgress = { ...whole(told), ...(told.state === 'paused' ? { state: 'running' } : {}) };
      const before = this.rows.get(rowKey(row));
      if (mode === 'add' && before !== undefined) this.rows.set(rowKey(row), this.withRate(sum(before, row)));
      else this.rows.set(rowKey(row), row);
    }
    this.show();
  }

  /** Marks a row as running, waits for the work on these items, and books its outcome. */
  async track(row: StageItems, work: () => Promise<BatchOutcome>): Promise<BatchOutcome> {
    const before = this.rows.get(rowKey(row)) ?? waiting(row.stage, row.model, row.items === 'usable' ? 0 : row.items);
    this.apply({ mode: 'replace', rows: [{ ...before, state: 'running' }] });
    const outcome = await work();
    const { promptTokens, completionTokens, cost, errors, usable } = outcome;
    const items = row.items === 'usable' ? usable : row.items;
    this.apply({
      mode: 'add',
      rows: [
        { ...waiting(row.stage, row.model, 0), done: items, failed: items - usable, promptTokens, completionTokens, usd: cost.usd, errors },
      ],
    });
    return outcome;
  }

  private rateOf(row: StageProgress): RecentRate {
    const rate = this.rates.get(rowKey(row)) ?? new RecentRate({ windowMs: RATE_WINDOW_MS });
    this.rates.set(rowKey(row), rate);
    return rate;
  }

  /** The row with its rate up to now; until something has ended here, with the rate that it came with. */
  private withRate(row: StageProgress): StageProgress {
    const { perSecond: before, ...rest } = row;
    const rate = this.rateOf(row);
    rate.add(Date.now(), row.done);
    const perSecond = rate.perSecond(Date.now()) ?? before;
    return perSecond === undefined || row.state === 'done' ? rest : { ...rest, perSecond };
  }

  private show(): void {
    const head = [
      this.heading,
      ...(this.failure === undefined ? [] : [`**Failed**: ${markdownText(this.failure)}`]),
      ...(this.paused === undefined ? [] : [`**Paused**: ${markdownText(this.paused.reason)}; ${pauseAdvice(runId(), this.paused)}`]),
    ];
    setCurrentDetails([...head.flatMap((line) => [line, '']), ...markdownTable(this.snapshot())].join('\n'));
  }
}

/** Rows that a release before this one wrote into a history lack what was added since. */
function whole(row: StageProgress): StageProgress {
  return { ...waiting(row.stage, row.model, row.total), ...row };
}

function sum(before: StageProgress, row: StageProgress): StageProgress {
  const after = withCounts(before, row);
  return { ...after, state: after.done >= after.total ? 'done' : 'running', ...(row.note === undefined ? {} : { note: row.note }) };
}

function runId(): string {
  const { root, workflowId } = workflowInfo();
  return root?.workflowId ?? workflowId;
}
