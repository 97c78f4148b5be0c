import type { Allowance, Cost } from '../../method/cost';
import type { Usage } from '../../method/records';
import { costOf, type Price } from '../../planning/price';
import type { CallOptions, CallOutcome, ModelClient, ModelRequest } from '../endpoints/model-client';
import type { Journal } from '../journal/journal';
import type { KnownCalls } from '../journal/journal-contents';
import { AllowanceGate, type Reservation } from './allowance-gate';
import { addUsage, billedOf, boundOf, countedOf, NO_USAGE, sumOfUsage, usageOfReply } from './billing';
import { InFlight, type SentRequest } from './in-flight';
import { ReservedCall } from './reserved-call';

export interface BatchBudgetOptions {
  readonly journal: Journal;
  /** The most that the batch may cost in total, with all that its journal holds; without it there is no limit. */
  readonly allowance?: Allowance;
  /** Without it, calls cost tokens but no dollars. */
  readonly price?: Price;
  /** What counts but is not in the journal: calls with an unknown end, made for an earlier version of this output. */
  readonly unsettledBefore?: Usage;
  /** Told of what counts as spent, each time. */
  readonly onCharge?: (usage: Usage) => void;
  /** Told of the first reply that reports more than its request can cost. */
  readonly onOverrun?: (overrun: { readonly item: string; readonly reported: Usage; readonly bound: Usage }) => void;
}

type SetAside = Extract<CallOutcome, { readonly setAside: unknown }>;

/** A call that has ended, with what is to be stored of its billing. */
export interface BilledOutcome {
  readonly outcome: Exclude<CallOutcome, SetAside>;
  /** What the call counts. */
  readonly counted: Usage;
  /** The same, to be stored with the call where its reply does not report it. */
  readonly note?: Usage;
  readonly reservation?: Reservation;
  /** Its last request, which is in flight until it is settled. */
  readonly sent?: SentRequest;
}

/**
 * What a batch has spent, and, with an allowance, the limit of it. A call's worst case is reserved before the call is made, and
 * is in the journal before it is sent; so after `kill -9` a call without a reply counts at its worst case. See billing.ts for
 * what counts.
 */
export class BatchBudget {
  private spent: Usage;
  private overran = false;
  private ordered: Usage = NO_USAGE;
  private readonly gate: AllowanceGate | undefined;
  private readonly inFlight = new InFlight();

  constructor(private readonly options: BatchBudgetOptions) {
    const { journal, allowance, price, unsettledBefore } = options;
    this.spent = countedSoFar(journal, unsettledBefore);
    if (allowance !== undefined) this.gate = new AllowanceGate({ allowance, price, spent: () => this.cost });
  }

  /** Tokens that count as spent by now. */
  get counted(): Usage {
    return this.spent;
  }

  /** What has been spent by now. */
  get cost(): Cost {
    return costOf(this.spent, this.options.price);
  }

  /** What calls that were sent, and are not in {@link cost} yet, may cost at most. */
  get inFlightCost(): Cost {
    return costOf(addUsage(this.inFlight.bound, this.ordered), this.options.price);
  }

  /** The worst case of what is ordered in batches and has not come back: it is reserved as long as it is out. */
  reserveOrders(bound: Usage): void {
    this.ordered = bound;
  }

  /** What the allowance lacks for this much more beyond what is spent and ordered, on the sides that are limited. */
  lacking(more: Usage = NO_USAGE): Cost {
    const { allowance: { usd = Infinity, tokens = Infinity } = {}, price } = this.options;
    const wanted = costOf(sumOfUsage([this.spent, this.ordered, more]), price);
    return { usd: Math.max(0, wanted.usd - usd), tokens: Math.max(0, wanted.tokens - tokens) };
  }

  /** Counts a call of a batch whose record is on disk. */
  chargeOrdered(usage: Usage): void {
    this.charge(usage);
  }

  /**
   * Makes a call within the allowance: as long as calls are in flight, it waits for them to give back what they do not use.
   * The reply is to be journalled with its reservation, and then to be settled.
   * @throws BudgetExhaustedError, or what the client throws
   */
  async call(client: ModelClient, request: ModelRequest, options: CallOptions): Promise<BilledOutcome | SetAside> {
    const { gate } = this;
    let sent: SentRequest | undefined;
    const tracked: CallOptions = {
      ...options,
      beforeSend: async () => {
        await options.beforeSend?.();
        options.signal.throwIfAborted(); // it may have been told to stop while its reservation was written
        sent?.end(); // the try before has failed, and was charged
        sent = this.inFlight.send(boundOf(request));
      },
    };
    try {
      const ended =
        gate === undefined ? await this.callUnlimited(client, request, tracked) : await this.callWithin(gate, client, request, tracked);
      if (!('setAside' in ended)) return { ...ended, sent };
      sent?.end();
      return ended;
    } catch (error) {
      sent?.end();
      throw error;
    }
  }

  /** Counts a call whose record is on disk. */
  settle({ counted, reservation, sent }: BilledOutcome, item: string): void {
    this.charge(counted);
    sent?.end();
    if (reservation === undefined) return;
    const { bound } = reservation;
    if (!this.overran && (counted.promptTokens > bound.promptTokens || counted.completionTokens > bound.completionTokens)) {
      this.overran = true;
      this.options.onOverrun?.({ item, reported: counted, bound });
    }
    this.gate?.release(reservation);
  }

  private async callUnlimited(client: ModelClient, request: ModelRequest, options: CallOptions): Promise<BilledOutcome | SetAside> {
    const outcome = await client.call(request, {
      ...options,
      onTransient: async (failure) => {
        if (billedOf(failure) === 'unknown') this.charge(boundOf(request));
        await options.onTransient?.(failure);
      },
    });
    return 'setAside' in outcome ? outcome : { outcome, ...countedPart(outcome, () => boundOf(request)) };
  }

  private async callWithin(
    gate: AllowanceGate,
    client: ModelClient,
    request: ModelRequest,
    options: CallOptions,
  ): Promise<BilledOutcome | SetAside> {
    const bound = boundOf(request);
    const { journal } = this.options;
    const reserved = new ReservedCall({ gate, journal, bound, signal: options.signal, charge: (usage) => this.charge(usage) });
    const outcome = await reserved.run(client, request, options);
    return 'setAside' in outcome ? outcome : { outcome, reservation: reserved.current, ...countedPart(outcome, () => bound) };
  }

  private charge(usage: Usage): void {
    this.spent = addUsage(this.spent, usage);
    this.options.onCharge?.(usage);
  }
}

/** What the calls that are known count, and those whose end is not known. @param before calls of earlier versions of the output, without an end */
export function countedSoFar(calls: KnownCalls, before: Usage = NO_USAGE): Usage {
  return sumOfUsage([...[...calls.all(), ...calls.duplicates].map(countedOf), ...calls.unsettled, before]);
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
