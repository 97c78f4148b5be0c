import type { SuspectRequest } from '../endpoints/endpoint-health';
import type { ModelRequest } from '../endpoints/model-client';
import type { BatchItem, Exchange } from './batch-item';

/** An item in progress. */
export interface QueuedItem<Row> {
  readonly item: BatchItem<Row>;
  readonly exchanges: Exchange[];
  /** The call that keeps failing, of an item that was set aside for it. */
  pending?: { readonly request: ModelRequest; readonly suspect: SuspectRequest };
}

/**
 * The items of a batch in their order, then those that were set aside: an item whose call keeps failing does not hold up the
 * others, and is continued when there are no others left.
 */
export class ItemQueue<Row> {
  private readonly untouched: Iterator<BatchItem<Row>>;
  private readonly aside: QueuedItem<Row>[] = [];

  constructor(items: readonly BatchItem<Row>[]) {
    this.untouched = items[Symbol.iterator]();
  }

  /** The next item to work on; undefined when there is none now. */
  next(): QueuedItem<Row> | undefined {
    const { done, value } = this.untouched.next();
    return done === true ? this.aside.shift() : { item: value, exchanges: [] };
  }

  setAside(queued: QueuedItem<Row>): void {
    this.aside.push(queued);
  }

  /** Ends the watch over the requests of items that are still set aside. */
  close(): void {
    for (const { pending } of this.aside) pending?.suspect.close();
  }
}
