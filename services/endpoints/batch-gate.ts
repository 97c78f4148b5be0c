/** A batch's permit to call its endpoint. */
export interface BatchPermit {
  /** Reports how many items of the batch are not done yet. */
  left(items: number): void;
  /** Gives the permit back; calling it again does nothing. */
  release(): void;
}

interface Waiting {
  readonly concurrency: number;
  readonly resolve: (permit: BatchPermit) => void;
}

/** The next batch begins when fewer items than this many times the endpoint's concurrency are left. */
const ROUNDS_READY = 2;

/**
 * Lets the batches of one endpoint begin in the order in which they came, and only as many as keep the endpoint busy. A
 * running batch holds its items and their replies in memory: of fifty batches that share an endpoint's 256 requests in flight,
 * most would hold them without using the endpoint.
 */
export class BatchGate {
  private readonly running = new Map<BatchPermit, number>();
  private readonly waiting: Waiting[] = [];

  /**
   * Waits for the batch's turn. No other batch begins before this one has reported how many items are left.
   * @param concurrency of the endpoint
   * @throws the signal's reason
   */
  async enter({ concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal }): Promise<BatchPermit> {
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const entry: Waiting = {
        concurrency,
        resolve(permit) {
          signal.removeEventListener('abort', onAbort);
          resolve(permit);
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
    for (let first = this.waiting[0]; first !== undefined && this.itemsLeft() < ROUNDS_READY * first.concurrency; first = this.waiting[0]) {
      this.waiting.shift();
      first.resolve(this.createPermit());
    }
  }

  private createPermit(): BatchPermit {
    const permit: BatchPermit = {
      left: (items) => {
        if (!this.running.has(permit)) return;
        this.running.set(permit, items);
        this.admit();
      },
      release: () => {
        if (this.running.delete(permit)) this.admit();
      },
    };
    this.running.set(permit, Number.POSITIVE_INFINITY);
    return permit;
  }

  private itemsLeft(): number {
    let sum = 0;
    for (const left of this.running.values()) sum += left;
    return sum;
  }
}
