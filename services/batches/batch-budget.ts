import { randomBytes } from 'node:crypto';
import { addCosts, NO_COST, type Allowance, type Cost } from '../../method/cost';
import type { Usage } from '../../method/records';
import { costOf, type Price } from '../../planning/price';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import type { CallOptions, CallOutcome, ModelClient, ModelRequest } from '../endpoints/model-client';
import type { ModelFailure } from '../endpoints/model-errors';
import type { Journal } from '../journal/journal';
import { addUsage, billedOf, boundOf, countedOf, sumOfUsage, usageOfReply } from './billing';

/** The allowance does not cover the batch's next call, and no call is in flight that could give something back. */
export class BudgetExhaustedError extends Error {
  override readonly name = 'BudgetExhaustedError';
  /** @param needs the smallest further allowance to go on with */
  constructor(readonly needs: Cost) {
    super(`the batch's part of the budget does not cover its next call, which may cost $${needs.usd} or ${needs.tokens} tokens more`);
  }
}

export interface BatchBudgetOptions {
  readonly journal: Journal;
  /** The most that the batch may cost in total, with all that its journal holds; without it there is no limit. */
  readonly allowance?: Allowance;
  /** Without it, calls cost tokens but no dollars. */
  readonly price?: Price;
  /** Counts that the journal does not hold: of calls whose end is not known, made for an earlier version of this output. */
  readonly lostBefore?: Usage;
  /** Told of the first reply that reports more than its request can cost. */
  readonly onOverrun?: (overrun: { readonly item: string; readonly reported: Usage; readonly bound: Usage }) => void;
}

type SetAside = Extract<CallOutcome, { readonly setAside: unknown }>;

/** A call that has ended, with what is to be kept of its billing. */
export interface BilledOutcome {
  readonly outcome: Exclude<CallOutcome, SetAside>;
  /** What the call counts. */
  readonly counted: Usage;
  /** The same, to be kept with the call where its reply does not tell. */
  readonly note?: Usage;
  readonly reservation?: Reservation;
}

interface Waiter {
  readonly cost: Cost;
  readonly admit: () => void;
  readonly reject: (error: Error) => void;
}

const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 };

/** One call's worst case, set aside until it is known what the call has cost. */
export interface Reservation {
  readonly id: string;
  readonly bound: Usage;
}

/**
 * What a batch has spent, and, with an allowance, the gate that keeps it within. A call's worst case is set aside before it is
 * made, and is in the journal before it is sent; so after `kill -9` a call without a reply counts at its worst case. See
 * billing.ts for what counts.
 */
export class BatchBudget {
  private spent: Usage = NO_USAGE;
  private reserved: Cost = NO_COST;
  private inFlight = 0;
  private waiters: Waiter[] = [];
  private overran = false;
  private readonly prefix = randomBytes(5).toString('hex');
  private number = 0;

  constructor(private readonly options: BatchBudgetOptions) {
    const { journal, lostBefore } = options;
    const calls = [...journal.all(), ...journal.duplicates];
    this.spent = sumOfUsage([...calls.map(countedOf), ...journal.unsettled, lostBefore ?? NO_USAGE]);
  }

  /** Tokens that count as spent by now. */
  get counted(): Usage {
    return this.spent;
  }

  /** What has been spent by now. */
  get cost(): Cost {
    return costOf(this.spent, this.options.price);
  }

  /**
   * Makes a call within the allowance: waits for calls in flight to give back what they did not use, as long as there are any.
   * The reply is to be journalled with its reservation, and then to be settled.
   * @throws BudgetExhaustedError, or what the client throws
   */
  async call(client: ModelClient, request: ModelRequest, options: CallOptions): Promise<BilledOutcome | SetAside> {
    const { allowance } = this.options;
    if (allowance === undefined) {
      const outcome = await client.call(request, {
        ...options,
        onTransient: async (failure) => {
          if (billedOf(failure) === 'unknown') this.spent = addUsage(this.spent, boundOf(request));
          await options.onTransient?.(failure);
        },
      });
      return 'setAside' in outcome ? outcome : { outcome, ...countedPart(outcome, () => boundOf(request)) };
    }
    const reserved = new ReservedCall(this, this.options.journal, boundOf(request), options.signal);
    const outcome = await reserved.run(client, request, options);
    return 'setAside' in outcome ? outcome : { outcome, reservation: reserved.current, ...countedPart(outcome, () => reserved.bound) };
  }

  /** Books a call whose record is on disk. */
  settle({ counted, reservation }: BilledOutcome, item: string): void {
    this.spent = addUsage(this.spent, counted);
    if (reservation === undefined) return;
    const { bound } = reservation;
    if (!this.overran && (counted.promptTokens > bound.promptTokens || counted.completionTokens > bound.completionTokens)) {
      this.overran = true;
      this.options.onOverrun?.({ item, reported: counted, bound });
    }
    this.free(reservation);
  }

  /** Sets a call's worst case aside. */
  async reserve(bound: Usage, signal: AbortSignal): Promise<Reservation> {
    const cost = costOf(bound, this.options.price);
    if (this.waiters.length === 0 && this.fits(cost)) this.hold(cost);
    else await this.wait(cost, signal);
    return { id: `${this.prefix}-${this.number++}`, bound };
  }

  /** Gives a reservation back. */
  free({ bound }: Reservation): void {
    this.reserved = subtract(this.reserved, costOf(bound, this.options.price));
    if (--this.inFlight === 0) this.reserved = NO_COST; // sums of fractions leave a hair
    this.admit();
  }

  /** Books a reservation as spent: whether its call was billed is not known. */
  lose(reservation: Reservation): void {
    this.spent = addUsage(this.spent, reservation.bound);
    this.free(reservation);
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

  /** First come, first served, while calls in flight may give something back; then any call that fits; then the end. */
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
    const { allowance = {} } = this.options;
    const after = addCosts(addCosts(this.cost, this.reserved), cost);
    return {
      usd: allowance.usd === undefined ? 0 : Math.max(0, after.usd - allowance.usd),
      tokens: allowance.tokens === undefined ? 0 : Math.max(0, after.tokens - allowance.tokens),
    };
  }

  private leastNeed(): Cost {
    const needs = this.waiters.map(({ cost }) => this.missing(cost)).sort((a, b) => a.usd - b.usd || a.tokens - b.tokens);
    const { usd, tokens } = needs[0] ?? NO_COST;
    // Up to a thousand-millionth of a dollar, so that the sum of the allowance and this is not a hair too small.
    return { usd: Math.ceil(usd * 1e9) / 1e9, tokens: Math.ceil(tokens) };
  }
}

/** One call with its reservation, which is taken anew when a request that may have been billed is sent again. */
class ReservedCall {
  private reservation: Reservation | undefined;
  private written = false;

  constructor(
    private readonly budget: BatchBudget,
    private readonly journal: Journal,
    readonly bound: Usage,
    private readonly signal: AbortSignal,
  ) {}

  get current(): Reservation | undefined {
    return this.reservation;
  }

  async run(client: ModelClient, request: ModelRequest, options: CallOptions): Promise<CallOutcome> {
    this.reservation = await this.budget.reserve(this.bound, this.signal);
    try {
      const outcome = await client.call(request, {
        ...options,
        beforeSend: async () => await this.write(),
        onTransient: async (failure) => {
          await options.onTransient?.(failure);
          await this.after(failure);
        },
      });
      if ('setAside' in outcome) await this.end();
      return outcome;
    } catch (error) {
      await this.end(error);
      throw error;
    }
  }

  /** Before a request is sent, it is on disk that it may be billed. */
  private async write(): Promise<void> {
    if (this.written || this.reservation === undefined) return;
    this.written = true;
    await this.journal.reserve(this.reservation.id, this.reservation.bound);
  }

  private async after(failure: ModelFailure): Promise<void> {
    if (this.reservation === undefined || billedOf(failure) === 'nothing') return; // the same reservation serves the next try
    this.budget.lose(this.reservation);
    this.reservation = undefined;
    this.written = false;
    this.reservation = await this.budget.reserve(this.bound, this.signal);
  }

  /** A call that was given up is not in flight: its last request has failed, or was never sent. */
  private async end(error?: unknown): Promise<void> {
    const { reservation } = this;
    if (reservation === undefined) return;
    this.reservation = undefined;
    if (error instanceof PermanentEndpointError && error.failure !== undefined && billedOf(error.failure) !== 'nothing') {
      this.budget.lose(reservation);
      return;
    }
    // A journal that is broken is the error to tell, and there an open reservation counts: the safe side.
    if (this.written) await this.journal.release(reservation.id).catch(() => undefined);
    this.budget.free(reservation);
  }
}

function countedPart(outcome: BilledOutcome['outcome'], bound: () => Usage): Pick<BilledOutcome, 'counted' | 'note'> {
  if ('refusal' in outcome) {
    const counted = billedOf(outcome.refusal) === 'nothing' ? NO_USAGE : { ...bound(), completionTokens: 0 };
    return { counted, note: counted };
  }
  const reported = usageOfReply(outcome.reply);
  if (reported !== undefined) return { counted: reported };
  const worst = bound();
  return { counted: worst, note: worst };
}

function subtract(a: Cost, b: Cost): Cost {
  return { usd: a.usd - b.usd, tokens: a.tokens - b.tokens };
}
