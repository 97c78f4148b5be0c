/** What model calls cost. Without a price of the model, `usd` is 0. */
export interface Cost {
  readonly usd: number;
  /** Prompt and completion together. */
  readonly tokens: number;
}

/** The most that a batch, or a whole synthesis, may cost in total; a side that is left out is not limited. */
export interface Allowance {
  readonly usd?: number;
  readonly tokens?: number;
}

/** What a batch of model calls has done so far. */
export interface BatchProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly requests: number;
  /** Requests answered from the journal: paid for by an earlier attempt. */
  readonly replayed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What counts against a budget: the tokens above, and the worst case of calls whose end is not known. */
  readonly cost: Cost;
  /** Faults that were retried and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
}

export const NO_COST: Cost = { usd: 0, tokens: 0 };

/** The counts of work that calls no model. */
export const NO_CALLS: Omit<BatchProgress, 'done' | 'total'> = {
  failed: 0,
  requests: 0,
  replayed: 0,
  promptTokens: 0,
  completionTokens: 0,
  cost: NO_COST,
  errors: {},
};

export function addCosts(a: Cost, b: Cost): Cost {
  return { usd: a.usd + b.usd, tokens: a.tokens + b.tokens };
}

export function timesCost(cost: Cost, factor: number): Cost {
  return { usd: cost.usd * factor, tokens: cost.tokens * factor };
}

/** Counts by name, added up. */
export function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** What a row of progress counts. */
export interface RowCounts extends Pick<BatchProgress, 'done' | 'failed' | 'promptTokens' | 'completionTokens' | 'errors'> {
  readonly usd: number;
}

/** A row of progress with more counted; the rest of it stays. */
export function withCounts<Row extends RowCounts>(row: Row, more: RowCounts): Row {
  return {
    ...row,
    done: row.done + more.done,
    failed: row.failed + more.failed,
    promptTokens: row.promptTokens + more.promptTokens,
    completionTokens: row.completionTokens + more.completionTokens,
    usd: row.usd + more.usd,
    errors: addCounts(row.errors, more.errors),
  };
}

/** What `a` has more than `b`, never below nothing. */
export function beyondCost(a: Cost, b: Cost): Cost {
  return { usd: Math.max(0, a.usd - b.usd), tokens: Math.max(0, a.tokens - b.tokens) };
}

/** The larger of each side. */
export function largerCost(a: Cost, b: Cost): Cost {
  return { usd: Math.max(a.usd, b.usd), tokens: Math.max(a.tokens, b.tokens) };
}

export function minusCost(a: Cost, b: Cost): Cost {
  return { usd: a.usd - b.usd, tokens: a.tokens - b.tokens };
}
