import { defineSignal, getExternalWorkflowHandle, isCancellation, log } from '@temporalio/workflow';
import type { ControlOrder, Halt } from '../../contract/control';
import { formatUsd } from '../../contract/figures';

/** What a provider's training costs, from a variant to `experiment`: before it is ordered, and when it has ended. */
export interface TrainingCost {
  /** The variant's workflow id: who is told that it may go on. */
  readonly from: string;
  /** Name of the variant, for people. */
  readonly variant: string;
  /** Key of the training. Variants that are alike share it, and pay once. */
  readonly key: string;
  /** Dollars: estimated, or billed. 0 without a price. */
  readonly usd: number;
  /** `asked`: not ordered yet. `ordered`: paid for whatever the budget. `ended`: its cost is known. */
  readonly state: 'asked' | 'ordered' | 'ended';
}

export const trainingCostSignal = defineSignal<[TrainingCost]>('trainingCost');
/** The answer: the training of this key may be ordered. */
export const trainingFundedSignal = defineSignal<[{ readonly key: string }]>('trainingFunded');

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
