import { addCosts, NO_COST, type Allowance, type Cost } from './cost';

/** All that {@link Grants} knows, as plain data. Running workflows carry it in their input, so its fields keep their names. */
export interface GrantsState {
  /** Most that may be spent; a side that is left out is not limited. */
  readonly total: Allowance;
  /** What settled work has cost. */
  readonly spent: Cost;
  /** What was granted and is not settled, by id. */
  readonly grants: Readonly<Record<string, Allowance>>;
}

const SIDES = ['usd', 'tokens'] as const;
type Side = (typeof SIDES)[number];

/**
 * The grants of one budget: what work that goes on may cost, and what settled work has cost. As long as no work costs more than
 * its grant, and the total is not lowered, spent and granted together never exceed the total.
 *
 * Deterministic and without I/O, for workflow code. The total may itself be a grant from a larger budget: so the run's ledger
 * and a shard's budget nest.
 */
export class Grants {
  private total: Allowance;
  private spentSoFar: Cost;
  private readonly unsettled: Map<string, Allowance>;

  constructor(state: Partial<GrantsState> = {}) {
    this.total = state.total ?? {};
    this.spentSoFar = state.spent ?? NO_COST;
    this.unsettled = new Map(Object.entries(state.grants ?? {}));
  }

  /** For continue-as-new; the constructor takes it back. */
  snapshot(): GrantsState {
    return { total: this.total, spent: this.spentSoFar, grants: Object.fromEntries(this.unsettled) };
  }

  /** What settled work has cost, on both sides, limited or not. */
  get spent(): Cost {
    return this.spentSoFar;
  }

  /** Sum of the grants that are not settled, on the sides that are limited. */
  get outstanding(): Cost {
    return [...this.unsettled.values()].reduce<Cost>((sum, { usd = 0, tokens = 0 }) => addCosts(sum, { usd, tokens }), NO_COST);
  }

  /** What may still be granted, on the sides that are limited. */
  get left(): Allowance {
    return this.leftBeside(undefined);
  }

  /** The grant of this id that is not settled. */
  grantOf(id: string): Allowance | undefined {
    return this.unsettled.get(id);
  }

  /**
   * Sets aside up to `wanted`, yet no less than `least`, of each limited side. A second grant to the same id replaces
   * the first.
   * @returns the most that the work may cost in total; undefined when there is not enough, and then nothing has changed
   */
  grant(id: string, wanted: Cost, least: Cost): Allowance | undefined {
    const left = this.leftBeside(id);
    const grant: { usd?: number; tokens?: number } = {};
    for (const side of SIDES) {
      const available = left[side];
      if (available === undefined) continue;
      if (available < least[side]) return undefined;
      grant[side] = Math.min(available, Math.max(wanted[side], least[side]));
    }
    this.unsettled.set(id, grant);
    return grant;
  }

  /** Books what the work has cost, whatever it was granted; the rest of its grant is free again. */
  settle(id: string, cost: Cost): void {
    this.unsettled.delete(id);
    this.spentSoFar = addCosts(this.spentSoFar, cost);
  }

  /**
   * Sets another total. What is granted stays granted: when the total is lowered below it, nothing is left until enough is
   * settled; and when a side was not limited before, nothing of it is left until the grants from before are settled or replaced.
   */
  setTotal(total: Allowance): void {
    this.total = total;
  }

  private leftBeside(id: string | undefined): Allowance {
    const left: { usd?: number; tokens?: number } = {};
    for (const side of SIDES) {
      const total = this.total[side];
      if (total !== undefined) left[side] = Math.max(0, total - this.committed(side, id));
    }
    return left;
  }

  /** Spent and granted, without the grant of `except`. */
  private committed(side: Side, except: string | undefined): number {
    let sum = this.spentSoFar[side];
    for (const [id, grant] of this.unsettled) {
      // A grant from before the side was limited may cost anything.
      if (id !== except) sum += grant[side] ?? Infinity;
    }
    return sum;
  }
}
