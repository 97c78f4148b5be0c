import { randomBytes } from 'node:crypto';
import { addCosts, minusCost, NO_COST, type Allowance, type Cost } from '../../method/cost';
import type { Usage } from '../../method/records';
import { costOf, type Price } from '../../planning/price';

/** The allowance does not cover the batch's next call, and no call is in flight that could give something back. */
export class BudgetExhaustedError extends Error {
  override readonly name = 'BudgetExhaustedError';
  /**
   * @param needs the smallest further allowance with which the batch can continue
   * @param wants what it would like, where that is more
   */
  constructor(
    readonly needs: Cost,
    readonly wants?: Cost,
  ) {
    super(`the batch's part of the budget does not cover its next call, which may cost $${needs.usd} or ${needs.tokens} tokens more`);
  }
}

/** One call's worst case, reserved until it is known what the call has cost. */
export interface Reservation {
  readonly id: string;
  readonly bound: Usage;
}

export interface AllowanceGateOptions {
  /** The most that may be spent in total; a side that is left out is not limited. */
  readonly allowance: Allowance;
  /** Without it, calls cost tokens but no dollars. */
  readonly price?: Price;
  /** What has been spent by now. */
  readonly spent: () => Cost;
}

interface Waiter {
  readonly cost: Cost;
  readonly admit: () => void;
  readonly reject: (error: Error) => void;
}

/** Keeps what is spent and what is reserved together within an allowance: a call waits here until its worst case fits. */
export class AllowanceGate {
  private reserved: Cost = NO_COST;
  private inFlight = 0;
  private waiters: Waiter[] = [];
  private readonly prefix = randomBytes(5).toString('hex');
  private number = 0;

  constructor(private readonly options: AllowanceGateOptions) {}

  /**
   * Reserves a call's worst case, waiting for calls in flight to give back what they do not use.
   * @throws BudgetExhaustedError when none is in flight and it does not fit, or the signal's reason
   */
  async reserve(bound: Usage, signal: AbortSignal): Promise<Reservation> {
    const cost = costOf(bound, this.options.price);
    if (this.waiters.length === 0 && this.fits(cost)) this.hold(cost);
    else await this.wait(cost, signal);
    return { id: `${this.prefix}-${this.number++}`, bound };
  }

  /** Gives a reservation back; what its call has cost must be in `spent` by then. */
  release({ bound }: Reservation): void {
    this.reserved = minusCost(this.reserved, costOf(bound, this.options.price));
    if (--this.inFlight === 0) this.reserved = NO_COST; // sums of fractions leave a rounding error
    this.admit();
  }

  private async wait(cost: Cost, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let onAbort: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { cost, admit: resolve, reject };
        onAbort = () => {
          this.waiters = this.waiters.filter((each) => each !== waiter);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        this.waiters.push(waiter);
        this.admit();
      });
    } finally {
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    }
  }

  /** In order of arrival, while calls in flight may give something back; then any call that fits; then the end. */
  private admit(): void {
    for (;;) {
      const next = this.inFlight > 0 ? this.waiters[0] : this.waiters.find(({ cost }) => this.fits(cost));
      if (next === undefined || !this.fits(next.cost)) break;
      this.waiters = this.waiters.filter((waiter) => waiter !== next);
      this.hold(next.cost);
      next.admit();
    }
    if (this.inFlight > 0 || this.waiters.length === 0) return;
    const error = new BudgetExhaustedError(this.leastNeed());
    for (const { reject } of this.waiters) reject(error);
    this.waiters = [];
  }

  private hold(cost: Cost): void {
    this.reserved = addCosts(this.reserved, cost);
    this.inFlight++;
  }

  private fits(cost: Cost): boolean {
    const { usd, tokens } = this.missing(cost);
    return usd <= 0 && tokens <= 0;
  }

  /** What the allowance lacks for one more call, on the sides that are limited. */
  private missing(cost: Cost): Cost {
    const { allowance, spent } = this.options;
    const after = addCosts(addCosts(spent(), this.reserved), cost);
    return {
      usd: allowance.usd === undefined ? 0 : Math.max(0, after.usd - allowance.usd),
      tokens: allowance.tokens === undefined ? 0 : Math.max(0, after.tokens - allowance.tokens),
    };
  }

  private leastNeed(): Cost {
    const needs = this.waiters.map(({ cost }) => this.missing(cost)).sort((a, b) => a.usd - b.usd || a.tokens - b.tokens);
    const { usd, tokens } = needs[0] ?? NO_COST;
    // Rounded up to a billionth of a dollar, so that allowance plus need is not too small by a rounding error.
    return { usd: Math.ceil(usd * 1e9) / 1e9, tokens: Math.ceil(tokens) };
  }
}
