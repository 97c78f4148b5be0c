import { condition } from '@temporalio/workflow';
import type { SilentBatch, Withdrawn } from '../../contract/budget';
import { addCosts, type Cost, NO_COST } from '../../method/cost';

/** What those said that were asked to give back their grants. */
export interface Answers {
  /** By workflow id. */
  readonly byId: ReadonlyMap<string, Withdrawn>;
  readonly inFlight: Cost;
  /** Batches that did not answer, and workflows. */
  readonly silent: readonly SilentBatch[];
}

/** Waits until children have said that under an order, which lowers the budget, nothing more is sent below them. */
export class Withdrawal {
  private readonly latest = new Map<string, Withdrawn>();

  /** A child answers. */
  receive(answer: Withdrawn): void {
    this.latest.set(answer.id, answer);
  }

  /**
   * @param revision of the order
   * @param open workflow ids of the children that are to answer; one that ends has nothing to say
   * @param patienceMs then the others count as silent
   */
  async answers(revision: number, open: () => readonly string[], patienceMs: number): Promise<Answers> {
    const asked = open();
    const missing = (): string[] => {
      const still = new Set(open());
      return asked.filter((id) => still.has(id) && (this.latest.get(id)?.revision ?? -1) < revision);
    };
    await condition(() => missing().length === 0, patienceMs);
    const byId = new Map(asked.flatMap((id) => (this.latest.get(id)?.revision === revision ? [[id, this.latest.get(id)!] as const] : [])));
    return {
      byId,
      inFlight: [...byId.values()].map(({ inFlight }) => inFlight).reduce(addCosts, NO_COST),
      silent: [...[...byId.values()].flatMap(({ silent }) => silent), ...missing().map((workflowId) => ({ workflowId }))],
    };
  }
}

/** How long each level waits, so that the one above it hears who is silent before it loses patience itself. */
export const PATIENCE_MS = { shard: 8_000, synthesis: 11_000, run: 14_000 } as const;
