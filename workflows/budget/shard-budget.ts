import { condition } from '@temporalio/workflow';
import type { BatchOutcome } from '../../contract/batches';
import { type Ask, type Funding } from '../../contract/budget';
import { type Allowance, type Cost, addCosts, beyondCost, largerCost, minusCost, NO_COST, timesCost } from '../../method/cost';
import { Purse } from '../../method/grants';
import { isTighter, MARGIN, nothingOf, onSidesOf, withGrant } from './funding';

interface Batch {
  readonly id: string;
  least: Cost;
  wanted: Cost;
  /** In total; undefined while it waits for a grant. */
  allowance: Allowance | undefined;
}

/** A shard's part of the budget, and the batches that live on it. */
export class Funds {
  private readonly purse: Purse;
  private readonly batches = new Set<Batch>();
  /** What batches are known to have cost; booked as spent. A batch's grant is what it may cost beyond. */
  private readonly known = new Map<string, Cost>();
  private asked: Ask | undefined;
  private number = 0;

  /**
   * @param budget the run's: it says which sides are limited
   * @param total the shard's part
   */
  constructor(
    private budget: Allowance,
    total: Allowance,
    private readonly send: (ask: Omit<Ask, 'id'>) => Promise<void>,
  ) {
    this.purse = new Purse({ total });
  }

  /** What the shard's finished batches have cost, and the others as far as it is known. */
  get spent(): Cost {
    return this.purse.spent;
  }

  /**
   * Runs a batch until it is finished. One whose allowance does not cover its next call ends, and is run again when there is more.
   * A batch that is made anew has cost already what it cost before.
   * @param expected what the batch is expected to cost
   * @param activity is to read the allowance anew each time it is scheduled
   */
  async run(
    id: string,
    expected: Cost,
    activity: (allowance: () => Allowance | undefined) => Promise<BatchOutcome>,
  ): Promise<BatchOutcome> {
    const batch: Batch = { id, least: NO_COST, wanted: timesCost(expected, MARGIN), allowance: undefined };
    this.batches.add(batch);
    try {
      for (;;) {
        this.share();
        await condition(() => batch.allowance !== undefined);
        const outcome = await activity(() => limited(batch.allowance));
        const { cost, exhausted } = outcome;
        this.purse.settle(id, minusCost(cost, this.knownOf(id)));
        this.known.set(id, cost);
        if (exhausted === undefined) return outcome;
        const { usd = Infinity, tokens = Infinity } = batch.allowance ?? {};
        const total = { usd: usd + exhausted.needs.usd, tokens: tokens + exhausted.needs.tokens };
        batch.least = finite(beyondCost(total, cost));
        // What costs more than expected gets as much again as it has cost, so that there are few rounds.
        batch.wanted = largerCost(batch.least, largerCost(beyondCost(timesCost(expected, MARGIN), cost), cost));
        batch.allowance = undefined;
      }
    } finally {
      this.batches.delete(batch);
      this.share();
    }
  }

  /**
   * Another budget of the run. With a tighter one, batches give back what they were granted; those that run are ended by the
   * same order. With a wider one what there is stays, and more comes with an answer.
   */
  follow(before: Allowance, budget: Allowance): void {
    this.budget = budget;
    if (!isTighter(before, budget)) return;
    this.number++; // an answer that is under way was made under the old budget
    this.asked = undefined;
    this.purse.setTotal(nothingOf(budget));
    // Run without anything, a batch only tells what it has cost so far.
    for (const batch of this.batches) if (batch.allowance !== undefined) batch.allowance = nothingOf(budget);
    this.share();
  }

  receive({ number, total }: Funding): void {
    if (number !== this.number) return;
    this.asked = undefined;
    this.purse.setTotal(total);
    this.share();
  }

  private share(): void {
    for (const batch of this.batches) {
      if (batch.allowance !== undefined) continue;
      const grant = this.purse.grant(batch.id, batch.wanted, batch.least);
      if (grant !== undefined) batch.allowance = withGrant(this.knownOf(batch.id), grant);
    }
    this.ask();
  }

  private ask(): void {
    const waiting = [...this.batches].filter(({ allowance }) => allowance === undefined);
    const first = [...waiting].sort((a, b) => a.least.usd - b.least.usd || a.least.tokens - b.least.tokens)[0];
    const committed = this.committed();
    if (first === undefined || committed === undefined) return;
    const stuck = waiting.length === this.batches.size;
    const isNews =
      this.asked === undefined ||
      (stuck && (!this.asked.stuck || this.asked.committed.usd > committed.usd || this.asked.committed.tokens > committed.tokens));
    if (!isNews) return;
    const ask = {
      number: ++this.number,
      committed,
      least: first.least,
      wanted: waiting.map(({ wanted }) => wanted).reduce(addCosts),
      stuck,
    };
    this.asked = { id: '', ...ask };
    this.purse.setTotal(onSidesOf(this.budget, committed));
    void this.send(ask);
  }

  private knownOf(id: string): Cost {
    return this.known.get(id) ?? NO_COST;
  }

  /** Undefined until it is known of all batches that run. */
  private committed(): Cost | undefined {
    const { spent, grants } = this.purse.snapshot();
    const limited = Object.keys(nothingOf(this.budget)) as (keyof Cost)[];
    if (Object.values(grants).some((grant) => limited.some((side) => grant[side] === undefined))) return undefined;
    return addCosts(spent, this.purse.outstanding);
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
