import type { GrantRequest, ShardGrant, SynthesisSpent } from '../../contract/budget';
import type { RunLedgerState } from '../../contract/workflows';
import { addCosts, type Allowance, type Cost, beyondCost, minusCost, NO_COST, timesCost } from '../../method/cost';
import { Grants } from '../../method/grants';
import { GRANT_MARGIN, withGrant } from './allowances';

/** The budget cannot be shared out further. */
export interface BudgetReached {
  readonly budget: Allowance;
  readonly spent: Cost;
  /** What the cheapest step would need further. */
  readonly least: Cost;
}

/** What the ledger tells others. */
export interface RunLedgerPorts {
  /** Answers a shard's request. */
  readonly grant: (id: string, grant: ShardGrant) => void;
  readonly reached: (reached: BudgetReached) => void;
}

interface OpenShard {
  /** What it is known to have cost; booked as spent. Its grant is what it may cost beyond. */
  known: Cost;
  request?: GrantRequest;
}

/** The ledger of a run's budget: what the shards were granted, and what they have cost. Without a budget it only counts. */
export class RunLedger {
  private readonly grants: Grants;
  private readonly open = new Map<string, OpenShard>();
  private stored: Readonly<Record<string, Cost>> | undefined;

  constructor(
    private budget: Allowance,
    private readonly ports: RunLedgerPorts,
    state?: RunLedgerState,
  ) {
    this.grants = new Grants(state?.purse);
    this.grants.setTotal(budget);
    this.stored = state?.stored;
  }

  /** For continue-as-new. */
  snapshot(): RunLedgerState {
    return { purse: this.grants.snapshot(), ...(this.stored === undefined ? {} : { stored: this.stored }) };
  }

  /** What the closed shards have cost, the others as far as they have told, and what is stored of those to come. */
  get spent(): Cost {
    return this.grants.spent;
  }

  /** What closed shards have cost and what is stored of those to come; and what is known of the open ones, by workflow id. */
  get costs(): SynthesisSpent {
    const open = Object.fromEntries([...this.open].map(([id, { known }]) => [id, known]));
    return { closed: minusCost(this.spent, Object.values(open).reduce(addCosts, NO_COST)), open };
  }

  /** Whether the cost of what is stored has to be looked up before anything more is granted. */
  get needsStoredCosts(): boolean {
    return this.stored === undefined && (this.budget.usd !== undefined || this.budget.tokens !== undefined);
  }

  /** Books what was asked of the endpoints before the first shard. */
  bookProbes(cost: Cost): void {
    this.grants.settle('probes', cost);
  }

  /** Books what the store holds of shards that have not begun: the budget is for all of the run, whoever paid. */
  bookStored(stored: Readonly<Record<string, Cost>>): void {
    this.stored = stored;
    for (const [id, cost] of Object.entries(stored)) this.grants.settle(`stored ${id}`, cost);
    this.review();
  }

  /**
   * A shard begins.
   * @param expected what the whole shard is expected to cost
   * @returns its budget, in total
   */
  begin(id: string, expected: Cost): Allowance {
    const known = this.stored?.[id] ?? NO_COST;
    this.open.set(id, { known });
    const grant = this.grants.grant(id, beyondCost(timesCost(expected, GRANT_MARGIN), known), NO_COST);
    return withGrant(known, grant ?? {});
  }

  /** A shard has ended. @param cost of the whole shard */
  end(id: string, cost: Cost): void {
    this.grants.settle(id, minusCost(cost, this.open.get(id)?.known ?? NO_COST));
    this.open.delete(id);
    this.review();
  }

  /** A shard asks for more, and gives back what it has not committed. It is answered when there is enough. */
  request(request: GrantRequest): void {
    const shard = this.open.get(request.id);
    if (shard === undefined || request.number <= (shard.request?.number ?? 0)) return;
    shard.request = request;
    this.grants.settle(request.id, minusCost(request.committed, shard.known));
    shard.known = request.committed;
    this.review();
  }

  /** Another budget. A tighter one is also told to the shards, which give back what they have. */
  setBudget(budget: Allowance): void {
    this.budget = budget;
    this.grants.setTotal(budget);
    this.review();
  }

  /** Answers the requests that can be answered, in the order in which the shards began; says so when none ever can. */
  private review(): void {
    if (this.needsStoredCosts) return;
    let least: Cost | undefined;
    let stuck = 0;
    for (const [id, shard] of this.open) {
      const { request } = shard;
      if (request === undefined || this.grants.grantOf(id) !== undefined) continue;
      const grant = this.grants.grant(id, request.wanted, request.least);
      if (grant !== undefined) {
        this.ports.grant(id, { number: request.number, total: withGrant(shard.known, grant) });
        continue;
      }
      if (request.stuck) stuck++;
      if (least === undefined || request.least.usd < least.usd || request.least.tokens < least.tokens) least = request.least;
    }
    if (least !== undefined && stuck === this.open.size) this.ports.reached({ budget: this.budget, spent: this.spent, least });
  }
}
