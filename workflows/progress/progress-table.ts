import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { BatchOutcome } from '../../contract/batches';
import { pauseAdvice, type Pause } from '../../contract/control';
import { formatCount, formatDuration, formatErrors, formatRate, formatShortCount, formatUsd } from '../../contract/figures';
import { type ProgressUpdate, waiting, leftMsOf, type StageProgress } from '../../contract/progress';
import { addCounts } from '../../method/cost';
import { RecentRate } from '../../method/recent-rate';

/** A workflow sees whole batches and shards end, some minutes apart: over less there would be nothing to see. */
const RATE_WINDOW_MS = 15 * 60_000;

const STATE_MARKS = { waiting: '·', running: '▶', paused: '⏸', done: '✓' } as const;

/** The progress table of one workflow, shown in the Web UI as its current details. */
export class ProgressTable {
  private readonly rows = new Map<string, StageProgress>();
  private readonly rates = new Map<string, RecentRate>();
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
    for (const row of rows.map(whole)) {
      this.rows.set(keyOf(row), row);
      this.rateOf(row).add(Date.now(), row.done);
    }
    this.show();
  }

  /** What runs shows as paused, with the reason above the table, until it is called without a pause. */
  pause(pause: Pause | undefined): void {
    const goesOn = this.paused !== undefined && pause === undefined;
    this.paused = pause;
    for (const row of goesOn ? this.rows.values() : []) {
      const rate = this.rateOf(row);
      rate.restart();
      rate.add(Date.now(), row.done);
    }
    this.show();
  }

  snapshot(): readonly StageProgress[] {
    const rows = [...this.rows.values()];
    return this.paused === undefined ? rows : rows.map((row) => (row.state === 'running' ? { ...row, state: 'paused' } : row));
  }

  apply({ mode, rows }: ProgressUpdate): void {
    for (const told of rows) {
      // Whether all is paused is this table's own to say: what it is told may be older.
      const row: StageProgress = { ...whole(told), ...(told.state === 'paused' ? { state: 'running' } : {}) };
      const before = this.rows.get(keyOf(row));
      if (mode === 'add' && before !== undefined) this.rows.set(keyOf(row), this.withRate(sum(before, row)));
      else this.rows.set(keyOf(row), row);
    }
    this.show();
  }

  /** Marks a row as running, waits for the work, and books its outcome. */
  async track(
    row: { readonly stage: string; readonly model: string; readonly items: number },
    work: () => Promise<BatchOutcome>,
  ): Promise<BatchOutcome> {
    const before = this.rows.get(keyOf(row)) ?? waiting(row.stage, row.model, row.items);
    this.apply({ mode: 'replace', rows: [{ ...before, state: 'running' }] });
    const outcome = await work();
    const { promptTokens, completionTokens, cost, errors } = outcome;
    this.apply({
      mode: 'add',
      rows: [
        {
          ...waiting(row.stage, row.model, 0),
          done: row.items,
          failed: row.items - outcome.usable,
          promptTokens,
          completionTokens,
          usd: cost.usd,
          errors,
        },
      ],
    });
    return outcome;
  }

  private rateOf(row: StageProgress): RecentRate {
    const rate = this.rates.get(keyOf(row)) ?? new RecentRate({ windowMs: RATE_WINDOW_MS });
    this.rates.set(keyOf(row), rate);
    return rate;
  }

  /** The row with its rate up to now; until something has ended here, with the one that it came with. */
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
      ...(this.paused === undefined ? [] : [`**Paused**: ${this.paused.reason}; ${pauseAdvice(runId(), this.paused)}`]),
    ];
    setCurrentDetails([...head.flatMap((line) => [line, '']), ...progressTable(this.snapshot())].join('\n'));
  }
}

const COLUMNS: readonly { readonly name: string; readonly right?: true; readonly cell: (row: StageProgress) => string }[] = [
  { name: 'stage', cell: ({ state, stage }) => `${STATE_MARKS[state]} ${stage}` },
  { name: 'model', cell: ({ model }) => model },
  { name: 'done', right: true, cell: ({ done, total }) => `${formatCount(done)} / ${formatCount(total)}` },
  { name: 'lost', right: true, cell: ({ failed }) => formatCount(failed) },
  { name: 'rate', right: true, cell: ({ perSecond }) => (perSecond === undefined ? '' : formatRate(perSecond)) },
  { name: 'left', right: true, cell: leftText },
  { name: 'errors', cell: ({ errors }) => formatErrors(errors) },
  {
    name: 'tokens',
    right: true,
    cell: ({ promptTokens, completionTokens }) =>
      promptTokens + completionTokens === 0 ? '' : formatShortCount(promptTokens + completionTokens),
  },
  { name: 'cost', right: true, cell: ({ usd }) => (usd === 0 ? '' : formatUsd(usd)) },
  { name: '', cell: ({ note = '' }) => note },
];

/** The rows as a Markdown table, without columns that say nothing. The Web UI's is narrow, so its cells are kept on one line. */
export function progressTable(rows: readonly StageProgress[]): string[] {
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ name }) => name)),
    line(columns.map(({ right }) => (right === true ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row).replaceAll(' ', '\u00a0')))),
  ];
}

/** The same as a text; `–` while a row runs without evidence. */
export function leftText(row: Pick<StageProgress, 'state' | 'done' | 'total' | 'perSecond'>): string {
  const leftMs = leftMsOf(row);
  return leftMs === undefined ? (row.state === 'running' ? '–' : '') : formatDuration(leftMs);
}

/** Rows that a release before this one wrote into a history lack what was added since. */
function whole(row: StageProgress): StageProgress {
  return { ...waiting(row.stage, row.model, row.total), ...row };
}

function sum(a: StageProgress, b: StageProgress): StageProgress {
  const done = a.done + b.done;
  return {
    ...a,
    done,
    failed: a.failed + b.failed,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    usd: a.usd + b.usd,
    errors: addCounts(a.errors, b.errors),
    state: done >= a.total ? 'done' : 'running',
    ...(b.note === undefined ? {} : { note: b.note }),
  };
}

function keyOf(row: { readonly stage: string; readonly model: string }): string {
  return `${row.stage}/${row.model}`;
}

function runId(): string {
  const { root, workflowId } = workflowInfo();
  return root?.workflowId ?? workflowId;
}
