import { type Ask, type Funding } from '../../contract/budget';
import type { TreasuryState } from '../../contract/workflows';
import { type Allowance, type Cost, beyondCost, minusCost, NO_COST, timesCost } from '../../method/cost';
import { Purse } from '../../method/grants';
import { MARGIN, withGrant } from './funding';

/** The budget cannot be shared out further. */
export interface Reached {
  readonly budget: Allowance;
  readonly spent: Cost;
  /** What the cheapest step would need further. */
  readonly least: Cost;
}

/** Told to the outside. */
export interface TreasuryPorts {
  readonly fund: (id: string, funding: Funding) => void;
  readonly reached: (reached: Reached) => void;
}

interface OpenShard {
  /** What it is known to have cost; booked as spent. Its grant is what it may cost beyond. */
  known: Cost;
  ask?: Ask;
}

/** The ledger of a run's budget: what the shards were given, and what they have cost. Without a budget it only counts. */
export class Treasury {
  private readonly purse: Purse;
  private readonly open = new Map<string, OpenShard>();
  private stored: Readonly<Record<string, Cost>> | undefined;

  constructor(
    private budget: Allowance,
    private readonly ports: TreasuryPorts,
    state?: TreasuryState,
  ) {
    this.purse = new Purse(state?.purse);
    this.purse.setTotal(budget);
    this.stored = state?.stored;
  }

  /** For continue-as-new. */
  snapshot(): TreasuryState {
    return { purse: this.purse.snapshot(), ...(this.stored === undefined ? {} : { stored: this.stored }) };
  }

  /** What the closed shards have cost, the others as far as they have told, and what is stored of those to come. */
  get spent(): Cost {
    return this.purse.spent;
  }

  /** Whether the cost of what is stored has to be looked up before anything more is given. */
  get mustLook(): boolean {
    return this.stored === undefined && (this.budget.usd !== undefined || this.budget.tokens !== undefined);
  }

  /** Books what the store holds of shards that have not begun: the budget is for all of the run, whoever paid. */
  bookStored(stored: Readonly<Record<string, Cost>>): void {
    this.stored = stored;
    for (const [id, cost] of Object.entries(stored)) this.purse.settle(`stored ${id}`, cost);
    this.review();
  }

  /** A shard's part of the budget, in total. */
  begin(id: string, expected: Cost): Allowance {
    const known = this.stored?.[id] ?? NO_COST;
    this.open.set(id, { known });
    const grant = this.purse.grant(id, beyondCost(timesCost(expected, MARGIN), known), NO_COST);
    return withGrant(known, grant ?? {});
  }

  /** @param cost of the whole shard */
  end(id: string, cost: Cost): void {
    this.purse.settle(id, minusCost(cost, this.open.get(id)?.known ?? NO_COST));
    this.open.delete(id);
    this.review();
  }

  ask(ask: Ask): void {
    const shard = this.open.get(ask.id);
    if (shard === undefined || ask.number <= (shard.ask?.number ?? 0)) return;
    shard.ask = ask;
    this.purse.settle(ask.id, minusCost(ask.committed, shard.known));
    shard.known = ask.committed;
    this.review();
  }

  /** Another budget. A tighter one is told to the shards, too, which give back what they have. */
  setBudget(budget: Allowance): void {
    this.budget = budget;
    this.purse.setTotal(budget);
    this.review();
  }

  /** Answers the asks that can be answered, in the order in which the shards began; says so when none ever can. */
  review(): void {
    if (this.mustLook) return;
    let least: Cost | undefined;
    let stuck = 0;
    for (const [id, shard] of this.open) {
      const { ask } = shard;
      if (ask === undefined || this.purse.grantOf(id) !== undefined) continue;
      const grant = this.purse.grant(id, ask.wanted, ask.least);
      if (grant !== undefined) {
        this.ports.fund(id, { number: ask.number, total: withGrant(shard.known, grant) });
        continue;
      }
      if (ask.stuck) stuck++;
      if (least === undefined || ask.least.usd < least.usd || ask.least.tokens < least.tokens) least = ask.least;
    }
    if (least !== undefined && stuck === this.open.size) this.ports.reached({ budget: this.budget, spent: this.spent, least });
  }
}
