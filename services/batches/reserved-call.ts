import type { Usage } from '../../method/records';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import type { CallOptions, CallOutcome, ModelClient, ModelRequest } from '../endpoints/model-client';
import type { ModelFailure } from '../endpoints/model-errors';
import type { Journal } from '../journal/journal';
import type { AllowanceGate, Reservation } from './allowance-gate';
import { billedOf } from './billing';

export interface ReservedCallOptions {
  readonly gate: AllowanceGate;
  readonly journal: Journal;
  /** The most that the call can be billed. */
  readonly bound: Usage;
  readonly signal: AbortSignal;
  /** Counts a worst case as spent, of a request that may have been billed. */
  readonly charge: (bound: Usage) => void;
}

/** One call with its reservation. A request that may have been billed keeps its reservation as spent; its retry takes another one. */
export class ReservedCall {
  private reservation: Reservation | undefined;
  private isJournalled = false;

  constructor(private readonly options: ReservedCallOptions) {}

  /** The reservation that the ended call is to be journalled and settled with. */
  get current(): Reservation | undefined {
    return this.reservation;
  }

  /** @throws BudgetExhaustedError, or what the client throws */
  async run(client: ModelClient, request: ModelRequest, options: CallOptions): Promise<CallOutcome> {
    this.reservation = await this.reserve();
    try {
      const outcome = await client.call(request, {
        ...options,
        beforeSend: async () => {
          await this.write();
          await options.beforeSend?.();
        },
        onTransient: async (failure) => {
          await options.onTransient?.(failure);
          await this.renewAfter(failure);
        },
      });
      if ('setAside' in outcome) await this.end();
      return outcome;
    } catch (error) {
      await this.end(error);
      throw error;
    }
  }

  private reserve(): Promise<Reservation> {
    const { gate, bound, signal } = this.options;
    return gate.reserve(bound, signal);
  }

  /** Before a request is sent, it is on disk that it may be billed. */
  private async write(): Promise<void> {
    if (this.isJournalled || this.reservation === undefined) return;
    this.isJournalled = true;
    await this.options.journal.reserve(this.reservation.id, this.reservation.bound);
  }

  private async renewAfter(failure: ModelFailure): Promise<void> {
    if (this.reservation === undefined || billedOf(failure) === 'nothing') return; // the same reservation serves the retry
    this.charge(this.reservation);
    this.reservation = undefined;
    this.isJournalled = false;
    this.reservation = await this.reserve();
  }

  /** A call that was given up is not in flight: its last request has failed, or was never sent. */
  private async end(error?: unknown): Promise<void> {
    const { reservation } = this;
    if (reservation === undefined) return;
    this.reservation = undefined;
    if (error instanceof PermanentEndpointError && error.failure !== undefined && billedOf(error.failure) !== 'nothing') {
      this.charge(reservation);
      return;
    }
    const { gate, journal } = this.options;
    // If the journal is broken, that is the error to report; the reservation then stays open and counts as spent, which is safe.
    if (this.isJournalled) await journal.release(reservation.id).catch(() => undefined);
    gate.release(reservation);
  }

  private charge(reservation: Reservation): void {
    this.options.charge(reservation.bound);
    this.options.gate.release(reservation);
  }
}
