import { setHandler, workflowInfo } from '@temporalio/workflow';
import type { BatchLimits, BatchOutcome } from '../contract/batches';
import { batchStoppedSignal, shardGrantSignal, shardSpentQuery } from '../contract/budget';
import type { PlanRef } from '../contract/run';
import type { ShardInput, ShardResult } from '../contract/workflows';
import { addCosts, type Cost, NO_COST, timesCost } from '../method/cost';
import { requestGrant, sendWithdrawn } from './budget/grant-messages';
import { RunningBatches } from './budget/running-batches';
import { ShardBudget } from './budget/shard-budget';
import { PATIENCE_MS } from './budget/withdrawal';
import { Descendant } from './control/descendant';
import { shardRows } from './progress/progress-rows';
import type { StageItems } from './progress/progress-table';

/** One batch of model calls of a shard. */
export interface ModelBatch extends StageItems {
  /** Unique in the shard. */
  readonly id: string;
  /** What the calls for one instruction are expected to cost; undefined where that is not known. */
  readonly costEach: Cost | undefined;
}

/** State of a shard: its progress, its budget, and the batches that run on it. */
export class ShardRun extends Descendant {
  readonly ref: PlanRef & { readonly shard: number };
  private readonly budget: ShardBudget;
  private readonly batches = new RunningBatches(workflowInfo().workflowId);

  constructor(readonly input: ShardInput) {
    const { runId, plan, shard, shards, size, order, funds, served, own } = input;
    const heading = `Shard ${shard + 1} of ${shards}: ${own === undefined ? `${size} instructions` : `${size} prompts, own answers for ${own}`}`;
    super({ runId, order, heading, rows: shardRows(input) });
    this.ref = { runId, plan, shard, ...(own === undefined ? {} : { own }) };
    this.budget = new ShardBudget(order.budget, funds, requestGrant);
    setHandler(shardGrantSignal, (grant) => this.budget.receive(grant));
    setHandler(batchStoppedSignal, (stopped) => this.batches.receive(stopped));
    setHandler(shardSpentQuery, () => this.costs);
    this.followOrders({
      follow: async (latest, before) => {
        this.budget.follow(before.budget, latest.budget, input.batched === true ? (id) => this.batches.orderedOf(id) : undefined);
        if (latest.withdraw === latest.revision) await this.giveBack(latest.revision);
      },
      isDrained: served === undefined ? undefined : () => this.work.isIdle,
    });
  }

  /** Responses of one generator. */
  get responses(): number {
    return this.input.size * this.input.samples;
  }

  /** Responses to one instruction, of all generators. */
  get candidates(): number {
    return this.input.samples * this.input.generators.length;
  }

  /**
   * Runs a batch of model calls, under the limits of its model and within its part of the shard's budget. Not `async`, like its
   * callers: one await more could change the order in which batches that end together schedule the next, and so break the replay
   * of running shards.
   */
  runBatch(batch: ModelBatch, activity: (limits: BatchLimits) => Promise<BatchOutcome>): Promise<BatchOutcome> {
    return this.progress.track(batch, async () => await this.withinBudget(batch, activity));
  }

  /** The stages are run again: what is whole is found at once. */
  restart(): void {
    this.progress.apply({ mode: 'replace', rows: shardRows(this.input) });
  }

  get result(): ShardResult {
    return { stages: this.progress.snapshot(), cost: this.budget.spent };
  }

  /** By batch: what it is known to have cost. */
  private get costs(): Record<string, Cost> {
    return this.batches.costs(this.budget.known);
  }

  /** The budget was lowered: tells `synthesis` when no batch sends anything more. */
  private async giveBack(revision: number): Promise<void> {
    const stopped = await this.batches.stopped(PATIENCE_MS.shard);
    await sendWithdrawn({ revision, spent: Object.values(this.costs).reduce(addCosts, NO_COST), ...stopped });
  }

  private async withinBudget(
    { id, model, costEach }: ModelBatch,
    activity: (limits: BatchLimits) => Promise<BatchOutcome>,
  ): Promise<BatchOutcome> {
    return await this.budget.run(
      id,
      timesCost(costEach ?? NO_COST, this.input.size),
      async (allowance) =>
        await this.work.run(
          async (limits, baseURL) => {
            const allowed = allowance();
            this.batches.begin(id, allowed);
            const outcome = await activity({
              batch: id,
              limits,
              allowance: allowed,
              ...(baseURL === undefined ? {} : { baseURL }),
              ...(this.budget.isWithdrawn(id) ? { withdrawn: true } : {}),
              ...(this.work.order.anyway === undefined ? {} : { anyway: true }),
            });
            this.batches.settled(id);
            return outcome;
          },
          { model, onEnded: () => this.batches.end(id) },
        ),
    );
  }
}
