/** A batch's place among those of its endpoint that are in work. */
export interface BatchPlace {
  /** Says how many items of the batch are not done yet. */
  left(items: number): void;
  /** Gives the place up; again is harmless. */
  leave(): void;
}

interface Waiting {
  readonly concurrency: number;
  readonly resolve: (place: BatchPlace) => void;
}

/** The next batch begins when fewer items than this many times the endpoint's concurrency are left. */
const ROUNDS_READY = 2;

/**
 * Lets the batches of one endpoint begin in the order in which they came, and only as many as keep the endpoint busy. A
 * batch in work holds its items and their replies in memory; of fifty batches that share an endpoint's 256 places, all but a
 * few would hold them for nothing.
 */
export class BatchGate {
  private readonly working = new Map<BatchPlace, number>();
  private readonly waiting: Waiting[] = [];

  /**
   * Waits for the batch's turn. Nobody else begins before it has said what is left.
   * @param concurrency of the endpoint
   * @throws the signal's reason
   */
  async enter({ concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal }): Promise<BatchPlace> {
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const entry: Waiting = {
        concurrency,
        resolve(place) {
          signal.removeEventListener('abort', onAbort);
          resolve(place);
        },
      };
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.push(entry);
      this.admit();
    });
  }

  private admit(): void {
    for (
      let first = this.waiting[0];
      first !== undefined && this.leftInWork() < ROUNDS_READY * first.concurrency;
      first = this.waiting[0]
    ) {
      this.waiting.shift();
      first.resolve(this.makePlace());
    }
  }

  private makePlace(): BatchPlace {
    const place: BatchPlace = {
      left: (items) => {
        if (!this.working.has(place)) return;
        this.working.set(place, items);
        this.admit();
      },
      leave: () => {
        if (this.working.delete(place)) this.admit();
      },
    };
    this.working.set(place, Number.POSITIVE_INFINITY);
    return place;
  }

  private leftInWork(): number {
    let sum = 0;
    for (const left of this.working.values()) sum += left;
    return sum;
  }
}
