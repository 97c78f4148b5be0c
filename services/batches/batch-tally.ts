import { addCounts, type BatchProgress } from '../../method/cost';
import type { Failure } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';
import type { ModelRequest } from '../endpoints/model-client';
import type { StageStats } from '../store/stage-store';
import type { BatchBudget } from './batch-budget';
import type { Step } from './batch-item';
import type { MadeCall, ReplayedCall } from './journalled-calls';

export interface BatchResult<Row> {
  /** By id, as are the failures. */
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** By item and number. */
  readonly calls: readonly CallRecord[];
  readonly progress: BatchProgress;
  readonly stats: StageStats;
}

/** Collects what a batch has done: its rows and failures, its calls, and counters of both. */
export class BatchTally<Row extends { readonly id: string }> {
  private readonly rows: Row[] = [];
  private readonly failures: Failure[] = [];
  private readonly records: CallRecord[] = [];
  /** By kind of fault, or `fewer_choices` where a reply had fewer than were asked for. */
  private readonly transient: Record<string, number> = {};
  private readonly refused: Record<string, number> = {};
  private done = 0;
  private samples = 0;
  private replayed = 0;
  private promptTokens = 0;
  private completionTokens = 0;

  constructor(
    private readonly total: number,
    private readonly budget: BatchBudget,
  ) {}

  /** Items that are not done. */
  get left(): number {
    return this.total - this.done;
  }

  addItem({ rows, failures }: Extract<Step<Row>, { readonly do: 'done' }>): void {
    this.rows.push(...rows);
    this.failures.push(...failures);
    this.done++;
  }

  addCall({ body }: ModelRequest, { record, reply, isReplayed }: MadeCall | ReplayedCall): void {
    this.records.push(record);
    if (isReplayed) this.replayed++;
    if (record.error !== undefined) this.refused[record.error.kind] = (this.refused[record.error.kind] ?? 0) + 1;
    if (reply !== undefined && typeof body['n'] === 'number' && reply.choices.length < body['n']) this.addFault('fewer_choices');
    this.samples += reply?.choices.length ?? 1;
    this.promptTokens += reply?.usage?.promptTokens ?? 0;
    this.completionTokens += reply?.usage?.completionTokens ?? 0;
  }

  addFault(kind: string, count = 1): void {
    this.transient[kind] = (this.transient[kind] ?? 0) + count;
  }

  progress(): BatchProgress {
    return {
      done: this.done,
      total: this.total,
      failed: this.failures.length,
      requests: this.records.length,
      replayed: this.replayed,
      promptTokens: this.promptTokens,
      completionTokens: this.completionTokens,
      cost: this.budget.cost,
      errors: addCounts(this.transient, this.refused),
    };
  }

  /** Of a batch that is done; sorts in place. */
  result(): BatchResult<Row> {
    return {
      rows: this.rows.sort(byId),
      failures: this.failures.sort(byId),
      calls: this.records.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : a.call - b.call)),
      progress: this.progress(),
      stats: {
        calls: this.samples,
        requests: this.records.length,
        promptTokens: this.promptTokens,
        completionTokens: this.completionTokens,
        transient: this.transient,
        refused: this.refused,
        counted: this.budget.counted,
        ...timesOf(this.records),
      },
    };
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** From the start of the first call to the end of the last; now, twice, without calls. */
function timesOf(calls: readonly CallRecord[]): Pick<StageStats, 'modelMs' | 'startedAt' | 'finishedAt'> {
  const now = new Date().toISOString();
  const ends = calls.map((call) => call.at).sort();
  const starts = calls.map((call) => Date.parse(call.at) - call.ms);
  return {
    modelMs: Math.round(calls.reduce((sum, call) => sum + call.ms, 0)),
    startedAt: starts.length === 0 ? now : new Date(starts.reduce((least, value) => Math.min(least, value))).toISOString(),
    finishedAt: ends.at(-1) ?? now,
  };
}
