import { condition, isCancellation } from '@temporalio/workflow';
import type { Ask } from '../../contract/budget';
import type { ControlOrder } from '../../contract/control';
import { formatCount, formatUsd } from '../../contract/figures';
import type { PlanRef } from '../../contract/run';
import type { ShardInput, TreasuryState } from '../../contract/workflows';
import { type Allowance, type Cost, addCosts } from '../../method/cost';
import { activitiesOn } from '../activities';
import type { ControlledWork } from '../control/controlled-work';
import { fundShard } from '../control/parent';
import type { Root } from '../control/root';
import { Treasury, type Reached } from './run-ledger';
import { shardId } from './shard-ids';

const llm = activitiesOn('llm');

export interface BudgetKeeperOptions {
  readonly run: PlanRef & { readonly shards: number };
  readonly phase: ShardInput['phase'];
  readonly root: Root;
  readonly work: ControlledWork;
  /** The shard that begins next. */
  readonly next: () => number;
  /** From before continue-as-new. */
  readonly state: TreasuryState | undefined;
}

/** The treasury of a synthesis, connected to its shards, to the store and to the run. */
export class BudgetKeeper {
  private readonly treasury: Treasury;
  private looking = false;
  /** Revision of the order under which it was said that the budget is reached. */
  private saidUnder = -1;

  constructor(private readonly options: BudgetKeeperOptions) {
    this.treasury = new Treasury(
      options.work.order.budget,
      { fund: (id, funding) => void fundShard(id, funding), reached: (reached) => void this.halt(reached) },
      options.state,
    );
  }

  get spent(): Cost {
    return this.treasury.spent;
  }

  snapshot(): TreasuryState {
    return this.treasury.snapshot();
  }

  ask(ask: Ask): void {
    this.treasury.ask(ask);
  }

  begin(id: string, expected: Cost): Allowance {
    return this.treasury.begin(id, expected);
  }

  end(id: string, cost: Cost): void {
    this.treasury.end(id, cost);
  }

  /** A resumed run is looked at anew: it may be paused again at once. */
  async follow({ budget }: ControlOrder): Promise<void> {
    this.treasury.setBudget(budget);
    await this.look();
  }

  /** Returns when it is known what the store holds of the shards to come. Only with a budget does it matter. */
  async ready(): Promise<void> {
    await this.look();
    await condition(() => !this.treasury.mustLook);
  }

  private async look(): Promise<void> {
    if (!this.treasury.mustLook || this.looking) return;
    this.looking = true;
    try {
      const { run, phase, work, next } = this.options;
      const from = { extract: phase === 'answer' ? run.shards : next(), answer: phase === 'extract' ? 0 : next() };
      const { extract, answer } = await work.run(
        async () =>
          await llm.storedCosts.executeWithOptions({ summary: 'what is stored has cost' }, [{ runId: run.runId, plan: run.plan, from }]),
      );
      const stored: Record<string, Cost> = {};
      const book = (costs: Readonly<Record<number, Cost>>, life: ShardInput['phase']): void => {
        for (const [shard, cost] of Object.entries(costs)) {
          const id = shardId(run.runId, life, Number(shard));
          stored[id] = stored[id] === undefined ? cost : addCosts(stored[id], cost);
        }
      };
      book(extract, phase === undefined ? undefined : 'extract');
      book(answer, phase === undefined ? undefined : 'answer');
      this.treasury.bookStored(stored);
    } finally {
      this.looking = false;
    }
  }

  /** Said once under each order: under the next one, it may be otherwise. */
  private async halt(reached: Reached): Promise<void> {
    const { work, root } = this.options;
    const { revision } = work.order;
    if (this.saidUnder === revision) return;
    this.saidUnder = revision;
    try {
      await root.halt({ by: 'budget', reason: reachedSentence(reached), revision, spent: reached.spent });
    } catch (error) {
      // A shard that is being cancelled gives back what it has, and may ask a last time; a run that ends need not be paused.
      if (!isCancellation(error)) throw error;
    }
  }
}

/** The side that lacks the most, in words. */
export function reachedSentence({ budget, spent, least }: Reached): string {
  const parts = [
    ...(budget.usd !== undefined && spent.usd + least.usd > budget.usd
      ? [
          `the budget of ${formatUsd(budget.usd)} is reached: ${formatUsd(spent.usd)} is spent, and the next call may cost up to ${formatUsd(least.usd)}`,
        ]
      : []),
    ...(budget.tokens !== undefined && spent.tokens + least.tokens > budget.tokens
      ? [
          `the budget of ${formatCount(budget.tokens)} tokens is reached: ${formatCount(spent.tokens)} are spent, and the next call may take up to ${formatCount(least.tokens)}`,
        ]
      : []),
  ];
  return parts.join('; ');
}
