import { condition, isCancellation } from '@temporalio/workflow';
import type { StoredCosts } from '../../contract/batches';
import type { GrantRequest, SynthesisSpent } from '../../contract/budget';
import type { ControlOrder } from '../../contract/control';
import type { PlanRef, RunOutline } from '../../contract/run';
import type { RunLedgerState, ShardPhase } from '../../contract/workflows';
import { type Allowance, type Cost, addCosts } from '../../method/cost';
import { activitiesOn } from '../activities';
import type { ControlledWork } from '../control/controlled-work';
import type { Root } from '../control/root';
import { ownShardId, shardId } from '../shard-ids';
import { grantToShard } from './grant-messages';
import { reachedSentence } from './reached-sentence';
import { RunLedger, type BudgetReached } from './run-ledger';

const llm = activitiesOn('llm');

export interface RunBudgetOptions {
  readonly run: PlanRef & { readonly shards: number; readonly probed?: Cost; readonly ownAnswers?: RunOutline['ownAnswers'] };
  readonly phase: ShardPhase | undefined;
  readonly root: Root;
  readonly work: ControlledWork;
  /** The shard that begins next. */
  readonly next: () => number;
  /** From before continue-as-new. */
  readonly state: RunLedgerState | undefined;
}

/**
 * The budget of a run while it is synthesised: connects the run's ledger to the shards, which ask it for grants, to the store,
 * which knows what was spent before, and to the run, which is paused when the budget is reached.
 */
export class RunBudget {
  private readonly ledger: RunLedger;
  private isLooking = false;
  /** Revision of the order under which it was said that the budget is reached. */
  private saidUnder = -1;

  constructor(private readonly options: RunBudgetOptions) {
    this.ledger = new RunLedger(
      options.work.order.budget,
      { grant: (id, grant) => void grantToShard(id, grant), reached: (reached) => void this.requestPause(reached) },
      options.state,
    );
    if (options.state === undefined && options.run.probed !== undefined) this.ledger.bookProbes(options.run.probed);
  }

  get spent(): Cost {
    return this.ledger.spent;
  }

  /** What closed shards have cost, and what is known of the open ones. */
  get costs(): SynthesisSpent {
    return this.ledger.costs;
  }

  /** For continue-as-new. */
  snapshot(): RunLedgerState {
    return this.ledger.snapshot();
  }

  /** A shard asks for more. */
  request(request: GrantRequest): void {
    this.ledger.request(request);
  }

  /** A shard begins: returns its budget. */
  begin(id: string, expected: Cost): Allowance {
    return this.ledger.begin(id, expected);
  }

  /** A shard has ended, and has cost this. */
  end(id: string, cost: Cost): void {
    this.ledger.end(id, cost);
  }

  /** A resumed run is looked at again: it may be paused again at once. */
  async follow({ budget }: ControlOrder): Promise<void> {
    this.ledger.setBudget(budget);
    await this.lookUpStored();
  }

  /** Returns when the cost of what the store holds of the shards to come is known. Only with a budget does it matter. */
  async ready(): Promise<void> {
    await this.lookUpStored();
    await condition(() => !this.ledger.needsStoredCosts);
  }

  private async lookUpStored(): Promise<void> {
    if (!this.ledger.needsStoredCosts || this.isLooking) return;
    this.isLooking = true;
    try {
      const { run, phase, work, next } = this.options;
      const from = {
        extract: phase === 'answer' ? run.shards : next(),
        answer: phase === 'extract' ? 0 : next(),
        ...(run.ownAnswers === undefined ? {} : { own: phase === 'extract' ? 0 : Math.max(0, next() - run.shards) }),
      };
      const costs = await work.run(
        async () =>
          await llm.storedCosts.executeWithOptions({ summary: 'what is stored has cost' }, [{ runId: run.runId, plan: run.plan, from }]),
      );
      this.ledger.bookStored(costsByShardId(run.runId, phase, costs));
    } finally {
      this.isLooking = false;
    }
  }

  /** Said once under each order: under the next one, it may be otherwise. */
  private async requestPause(reached: BudgetReached): Promise<void> {
    const { work, root } = this.options;
    const { revision } = work.order;
    if (this.saidUnder === revision) return;
    this.saidUnder = revision;
    try {
      await root.requestPause({ by: 'budget', reason: reachedSentence(reached), revision, spent: reached.spent });
    } catch (error) {
      // A shard that is being cancelled gives back what it has, and may ask a last time; a run that ends need not be paused.
      if (!isCancellation(error)) throw error;
    }
  }
}

/** Without phases both parts of a shard are of one workflow. */
function costsByShardId(runId: string, phase: ShardPhase | undefined, { extract, answer, own = {} }: StoredCosts): Record<string, Cost> {
  const byId: Record<string, Cost> = {};
  for (const [costs, part] of [
    [extract, 'extract'],
    [answer, 'answer'],
  ] as const) {
    for (const [shard, cost] of Object.entries(costs)) {
      const id = shardId(runId, phase === undefined ? undefined : part, Number(shard));
      byId[id] = byId[id] === undefined ? cost : addCosts(byId[id], cost);
    }
  }
  for (const [row, costs] of Object.entries(own)) {
    for (const [shard, cost] of Object.entries(costs)) byId[ownShardId(runId, row, Number(shard))] = cost;
  }
  return byId;
}
