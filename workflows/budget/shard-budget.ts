import { condition, patched } from '@temporalio/workflow';
import type { BatchOutcome } from '../../contract/batches';
import type { GrantRequest, ShardGrant } from '../../contract/budget';
import { type Allowance, type Cost, addCosts, beyondCost, largerCost, minusCost, NO_COST, timesCost } from '../../method/cost';
import { Grants } from '../../method/grants';
import { GRANT_MARGIN, isTighter, nothingOf, onSidesOf, withGrant } from './allowances';

interface Batch {
  readonly id: string;
  /** Smallest further amount with which it can go on. */
  least: Cost;
  /** Further amount that it would like. */
  wanted: Cost;
  /** In total; undefined while it waits for a grant. */
  allowance: Allowance | undefined;
  /** What it was granted was taken back, and it has not told since what it has cost. */
  withdrawn: boolean;
  /** Its grant was taken back while it ran: what it has not used by its end goes back to the run, not to another batch. */
  givesBack?: true;
}

/** Before it, another batch of the shard was granted what a withdrawn one had left, past a budget that was lowered. */
const GIVES_BACK = 'withdrawn batches give back to the run';

/** What a shard asks for; its id is added when it is sent. */
type Request = Omit<GrantRequest, 'id'>;

/** A shard's budget, granted from the run's ledger, and the batches that are granted theirs out of it. */
export class ShardBudget {
  private readonly grants: Grants;
  private readonly batches = new Set<Batch>();
  /** What batches are known to have cost; booked as spent. A batch's grant is what it may cost beyond. */
  private readonly costs = new Map<string, Cost>();
  /** The request that is not answered yet. */
  private asked: Request | undefined;
  /** Of the latest request. */
  private number = 0;

  /**
   * @param budget the run's: it says which sides are limited
   * @param total what the shard may cost
   * @param send sends a request to the run's ledger
   */
  constructor(
    private budget: Allowance,
    total: Allowance,
    private readonly send: (request: Request) => Promise<void>,
  ) {
    this.grants = new Grants({ total });
  }

  /** What the shard's finished batches have cost, and the others as far as it is known. */
  get spent(): Cost {
    return this.grants.spent;
  }

  /** By batch: what it is known to have cost. */
  get known(): ReadonlyMap<string, Cost> {
    return this.costs;
  }

  /** Whether a batch is to be run to give back all that it can. */
  isWithdrawn(id: string): boolean {
    return [...this.batches].some((batch) => batch.id === id && batch.withdrawn);
  }

  /**
   * Runs a batch until it is finished. One whose allowance does not cover its next call ends, and is run again when there is more.
   * A batch whose output is recomputed has cost already what it cost before.
   * @param expected what the batch is expected to cost
   * @param activity is to read the allowance each time it is scheduled
   */
  async run(
    id: string,
    expected: Cost,
    activity: (allowance: () => Allowance | undefined) => Promise<BatchOutcome>,
  ): Promise<BatchOutcome> {
    const batch: Batch = { id, least: NO_COST, wanted: timesCost(expected, GRANT_MARGIN), allowance: undefined, withdrawn: false };
    this.batches.add(batch);
    try {
      for (;;) {
        this.share();
        await condition(() => batch.allowance !== undefined);
        const outcome = await activity(() => limited(batch.allowance));
        const { cost, exhausted } = outcome;
        this.grants.settle(id, minusCost(cost, this.knownOf(id)));
        this.costs.set(id, cost);
        if (batch.givesBack === true) {
          delete batch.givesBack;
          this.grants.setTotal(onSidesOf(this.budget, addCosts(this.grants.spent, this.grants.outstanding)));
        }
        if (exhausted === undefined) return outcome;
        const { usd = Infinity, tokens = Infinity } = batch.allowance ?? {};
        batch.least = finite(beyondCost(addCosts({ usd, tokens }, exhausted.needs), cost));
        // What costs more than expected gets as much again as it has cost, so that there are few rounds.
        batch.wanted = largerCost(exhausted.wants ?? batch.least, largerCost(beyondCost(timesCost(expected, GRANT_MARGIN), cost), cost));
        batch.allowance = undefined;
        batch.withdrawn = false;
      }
    } finally {
      this.batches.delete(batch);
      this.share();
    }
  }

  /**
   * Another budget of the run. With a tighter one, batches give back what they were granted; those that run are ended by the
   * same order. With a wider one what there is stays, and more comes with an answer.
   * @param orderedOf what a batch has ordered from a provider and may still cost, in a shard that orders: it keeps that much
   */
  follow(before: Allowance, budget: Allowance, orderedOf?: (id: string) => Cost): void {
    this.budget = budget;
    if (!isTighter(before, budget)) return;
    this.number++; // an answer that is under way was made under the old budget
    this.asked = undefined;
    if (orderedOf === undefined) this.grants.setTotal(nothingOf(budget));
    else this.keepOrdered(orderedOf);
    const givesBack = orderedOf !== undefined || patched(GIVES_BACK);
    // Run without anything, a batch only tells what it has cost so far.
    for (const batch of this.batches) {
      if (batch.allowance === undefined) continue;
      batch.allowance = nothingOf(budget);
      batch.withdrawn = true;
      if (givesBack) batch.givesBack = true;
    }
    this.share();
  }

  /** Of all grants what is ordered stays, since it cannot be taken back at once. */
  private keepOrdered(orderedOf: (id: string) => Cost): void {
    const granted = [...this.batches].filter(({ allowance }) => allowance !== undefined);
    const kept = granted.map(({ id }) => orderedOf(id)).reduce(addCosts, this.grants.spent);
    this.grants.setTotal(onSidesOf(this.budget, NO_COST));
    for (const { id } of granted) this.grants.grant(id, NO_COST, NO_COST);
    this.grants.setTotal(onSidesOf(this.budget, kept));
    for (const batch of granted) {
      this.grants.grant(batch.id, orderedOf(batch.id), NO_COST);
    }
  }

  /** The answer to a request; one to an earlier request is ignored. */
  receive({ number, total }: ShardGrant): void {
    if (number !== this.number) return;
    this.asked = undefined;
    this.grants.setTotal(total);
    this.share();
  }

  /** Grants waiting batches what there is, and asks for more where it does not suffice. */
  private share(): void {
    for (const batch of this.batches) {
      if (batch.allowance !== undefined) continue;
      const grant = this.grants.grant(batch.id, batch.wanted, batch.least);
      if (grant !== undefined) batch.allowance = withGrant(this.knownOf(batch.id), grant);
    }
    this.requestMore();
  }

  private requestMore(): void {
    const waiting = [...this.batches].filter(({ allowance }) => allowance === undefined);
    const first = [...waiting].sort((a, b) => a.least.usd - b.least.usd || a.least.tokens - b.least.tokens)[0];
    const committed = this.committed();
    if (first === undefined || committed === undefined) return;
    const stuck = waiting.length === this.batches.size;
    if (!this.isNews(stuck, committed)) return;
    const request: Request = {
      number: ++this.number,
      committed,
      least: first.least,
      wanted: waiting.map(({ wanted }) => wanted).reduce(addCosts),
      stuck,
    };
    this.asked = request;
    this.grants.setTotal(onSidesOf(this.budget, committed));
    void this.send(request);
  }

  /** Whether a request says more than the one that is not answered yet: the shard is stuck now, or gives more back. */
  private isNews(stuck: boolean, committed: Cost): boolean {
    if (this.asked === undefined) return true;
    const before = this.asked.committed;
    return stuck && (!this.asked.stuck || before.usd > committed.usd || before.tokens > committed.tokens);
  }

  private knownOf(id: string): Cost {
    return this.costs.get(id) ?? NO_COST;
  }

  /** What is spent, and what running batches may still spend; undefined while one of them has no limit on a limited side. */
  private committed(): Cost | undefined {
    const { spent, grants } = this.grants.snapshot();
    const limited = Object.keys(nothingOf(this.budget)) as (keyof Cost)[];
    if (Object.values(grants).some((grant) => limited.some((side) => grant[side] === undefined))) return undefined;
    return addCosts(spent, this.grants.outstanding);
  }
}

/** A side without a limit needs nothing. */
function finite({ usd, tokens }: Cost): Cost {
  return { usd: Number.isFinite(usd) ? usd : 0, tokens: Number.isFinite(tokens) ? tokens : 0 };
}

/** A batch without any limit need not keep account. */
function limited(allowance: Allowance | undefined): Allowance | undefined {
  return allowance?.usd === undefined && allowance?.tokens === undefined ? undefined : allowance;
}
