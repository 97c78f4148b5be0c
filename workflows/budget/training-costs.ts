import { getExternalWorkflowHandle, isCancellation, log } from '@temporalio/workflow';
import { type TrainingCost, trainingFundedSignal } from '../../contract/budget';
import type { ControlOrder, Halt } from '../../contract/control';
import { formatUsd } from '../../contract/figures';

export interface TrainingCostsPorts {
  /** Tells a variant that its training may be ordered. */
  readonly fund: (from: string, key: string) => Promise<void>;
  readonly halt: (halt: Halt) => Promise<void>;
}

/** The dollars of a budget that providers' trainings take, beside those of the synthesis. */
export class TrainingCosts {
  /** By key: estimated while it is ordered, then billed. */
  private readonly booked = new Map<string, number>();
  private readonly waiting = new Map<string, TrainingCost>();
  /** Revision of the order under which it was said that the budget does not suffice. */
  private saidUnder = -1;

  constructor(private readonly ports: TrainingCostsPorts) {}

  /** Ordered and ended ones. */
  get usd(): number {
    return [...this.booked.values()].reduce((sum, usd) => sum + usd, 0);
  }

  /** @param spentUsd by the synthesis */
  async take(cost: TrainingCost, order: ControlOrder, spentUsd: number): Promise<void> {
    if (cost.state !== 'asked') this.booked.set(cost.key, cost.usd);
    if (cost.state !== 'ended') this.waiting.set(cost.from, cost);
    await this.review(order, spentUsd);
  }

  /** Funds what the budget covers, and pauses the run for the first that it does not. */
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
          await this.ports.halt({
            by: 'budget',
            revision,
            reason: `the budget of ${formatUsd(most)} does not cover the training of ${variant}: ${formatUsd(spentUsd + this.usd)} is spent, and the fine-tuning job is estimated to cost ${formatUsd(usd)}`,
          });
          return;
        }
        this.booked.set(key, usd);
      }
      this.waiting.delete(from);
      await this.ports.fund(from, key);
    }
  }
}

/** Tells a variant that its training may be ordered. One that has ended hears nothing. */
export async function fundTraining(from: string, key: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(from).signal(trainingFundedSignal, { key });
  } catch (error) {
    if (!isCancellation(error)) log.warn('a variant did not hear that its training is funded', { workflowId: from, error: String(error) });
  }
}
