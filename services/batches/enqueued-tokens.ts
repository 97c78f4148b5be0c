import type { Order } from '../provider-batches/order-ledger';

/** Tokens that are ordered and not done, by model endpoint, as far as the batches of this process know; a provider counts them all. */
export class EnqueuedTokens {
  /** By endpoint, then by tag of the order. */
  private readonly orders = new Map<string, Map<string, number>>();

  /** Orders of an output as its ledger has them now. */
  note(endpoint: string, orders: readonly Pick<Order, 'tag' | 'tokens' | 'end'>[]): void {
    const known = this.orders.get(endpoint) ?? new Map<string, number>();
    this.orders.set(endpoint, known);
    for (const { tag, tokens, end } of orders) {
      if (end === undefined) known.set(tag, tokens);
      else known.delete(tag);
    }
  }

  of(endpoint: string): number {
    return [...(this.orders.get(endpoint)?.values() ?? [])].reduce((sum, tokens) => sum + tokens, 0);
  }
}
