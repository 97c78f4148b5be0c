import type { TrainingCost } from '../../contract/budget';
import type { ControlOrder, PauseRequest } from '../../contract/control';
import { formatUsd } from '../../contract/figures';

/** What the costs of trainings make others do. */
export interface TrainingCostsPorts {
  /** Tells a variant, by its workflow id, that the training of this key may be ordered. */
  readonly grant: (variantId: string, key: string) => Promise<void>;
  readonly requestPause: (request: PauseRequest) => Promise<void>;
}

/** The dollars of a budget that providers' trainings take, beside those of the synthesis. */
export class TrainingCosts {
  /** By key: estimated while it is ordered, then billed. */
  private readonly booked = new Map<string, number>();
  /** By the variant's workflow id: what is not granted yet. */
  private readonly waiting = new Map<string, TrainingCost>();
  /** Revision of the order under which it was said that the budget does not suffice. */
  private saidUnder = -1;

  constructor(private readonly ports: TrainingCostsPorts) {}

  /** Of the trainings that are ordered or have ended. */
  get usd(): number {
    return [...this.booked.values()].reduce((sum, usd) => sum + usd, 0);
  }

  /** A variant tells what its training costs. @param spentUsd by the synthesis */
  async book(cost: TrainingCost, order: ControlOrder, spentUsd: number): Promise<void> {
    if (cost.state !== 'asked') this.booked.set(cost.key, cost.usd);
    if (cost.state !== 'ended') this.waiting.set(cost.from, cost);
    await this.review(order, spentUsd);
  }

  /** Grants what the budget covers, and pauses the run for the first that it does not. */
  async review(order: ControlOrder, spentUsd: number): Promise<void> {
    const {
      budget: { usd: most = Infinity },
      revision,
    } = order;
    for (const [from, { key, usd, variant }] of this.waiting) {
      if (!this.booked.has(key)) {
        if (spentUsd + this.usd + usd > most) {
          if (order.pause !== undefined || this.saidUnder === revision) return;
          this.saidUnder = revision;
          await this.ports.requestPause({
            by: 'budget',
            revision,
            reason: `the budget of ${formatUsd(most)} does not cover the training of ${variant}: ${formatUsd(spentUsd + this.usd)} is spent, and the fine-tuning job is estimated to cost ${formatUsd(usd)}`,
          });
          return;
        }
        this.booked.set(key, usd);
      }
      this.waiting.delete(from);
      await this.ports.grant(from, key);
    }
  }
}
