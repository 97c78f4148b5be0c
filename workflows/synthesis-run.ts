import { setHandler, workflowInfo } from '@temporalio/workflow';
import { grantRequestSignal, synthesisSpentQuery, withdrawnSignal } from '../contract/budget';
import { drainedSignal } from '../contract/control';
import type { ProgressUpdate, StageProgress } from '../contract/progress';
import type { OwnAnswersOutline, RunOutline } from '../contract/run';
import type { ShardInput, ShardPhase, ShardResult, SynthesisInput, SynthesisResult } from '../contract/workflows';
import { addCosts, largerCost, NO_COST } from '../method/cost';
import { expectedShardCost } from './budget/expected-cost';
import { sendWithdrawn } from './budget/grant-messages';
import { RunBudget } from './budget/run-budget';
import { PATIENCE_MS, Withdrawal } from './budget/withdrawal';
import { ChildWorkflows, type ChildOptions } from './control/child-workflows';
import { Descendant } from './control/descendant';
import { filteredRows, filteringRow, synthesisRows } from './progress/progress-rows';
import { ownShardId, shardId } from './shard-ids';

/** One shard that the window takes up. */
interface NextShard {
  readonly shard: number;
  readonly workflowId: string;
  /** Instructions of it. */
  readonly size: number;
  /** Whose own answers it is part of; absent for the method's. */
  readonly own?: OwnAnswersOutline;
}

/** State of a synthesis from one continue-as-new to the next: how far its window is, its open shards, and the run's budget. */
export class SynthesisRun extends Descendant {
  readonly outline: RunOutline;
  readonly children: ChildWorkflows;
  readonly budget: RunBudget;
  private readonly phase: ShardPhase | undefined;
  /** How many instructions the filters kept, by shard, once they have been applied. */
  private readonly kept: readonly number[] | undefined;
  private readonly withdrawal = new Withdrawal();
  private next: number;

  constructor({ nextShard = 0, totals, kept, treasury, order, ...outline }: SynthesisInput) {
    super({
      runId: outline.runId,
      order,
      heading: `Synthesis of ${outline.instructions} instructions`,
      rows: totals ?? synthesisRows(outline),
    });
    this.outline = outline;
    this.phase = outline.filter === undefined ? undefined : kept === undefined ? 'extract' : 'answer';
    this.kept = kept;
    this.next = nextShard;
    this.children = new ChildWorkflows(order);
    const { phase, root, work, children } = this;
    this.budget = new RunBudget({ run: outline, phase, root, work, next: () => this.next, state: treasury });
    setHandler(grantRequestSignal, (request) => this.budget.request(request));
    setHandler(drainedSignal, (drained) => children.drained(drained));
    setHandler(withdrawnSignal, (answer) => this.withdrawal.receive(answer));
    setHandler(synthesisSpentQuery, () => this.budget.costs);
    this.followOrders({
      follow: async (latest) => {
        const giving = latest.withdraw === latest.revision ? [this.giveBack(latest.revision)] : [];
        await Promise.all([children.tell(latest), this.budget.follow(latest), ...giving]);
      },
      isDrained: outline.served === undefined ? undefined : () => work.isIdle && children.isDrained,
    });
  }

  /** Takes up the next shard; undefined when there is none, or when the history is so long that synthesis is to continue as new. */
  takeShard(): NextShard | undefined {
    const { runId, shardSize, instructions } = this.outline;
    if (!this.hasShards || workflowInfo().continueAsNewSuggested) return undefined;
    const shard = this.next++;
    const ownShard = this.ownShards[shard - this.outline.shards];
    if (ownShard !== undefined) return ownShard;
    const size = this.kept?.[shard] ?? Math.min(shardSize, instructions - shard * shardSize);
    return { shard, size, workflowId: shardId(runId, this.phase, shard) };
  }

  /** How the child workflow of a shard is started: with its budget, which is granted at the start. */
  shardChild({ shard, size, workflowId, own }: NextShard): ChildOptions<ShardInput> {
    if (own !== undefined) return this.ownShardChild({ shard, size, workflowId }, own);
    const { outline, phase } = this;
    return {
      workflowId,
      input: (order) => ({
        ...outline,
        shard,
        size,
        order,
        funds: this.budget.begin(workflowId, expectedShardCost(outline.costs, phase, size)),
        ...(phase === undefined ? {} : { phase }),
      }),
      summary: `shard ${shard + 1} of ${outline.shards}: ${size} instructions`,
    };
  }

  /** The prompts of a data set are there, so that a shard of own answers is one that is answered only, by the target alone. */
  private ownShardChild({ shard, size, workflowId }: NextShard, own: OwnAnswersOutline): ChildOptions<ShardInput> {
    const { early: _method, ...outline } = this.outline;
    const { name, prompts: _prompts, ...asked } = own;
    return {
      workflowId,
      input: (order) => ({
        ...outline,
        ...asked,
        own: name,
        generators: [outline.target],
        shard,
        size,
        order,
        funds: this.budget.begin(workflowId, expectedShardCost(own.costs, 'answer', size)),
        phase: 'answer',
      }),
      summary: `own answers for ${name}, shard ${shard + 1} of ${own.shards}: ${size} prompts`,
    };
  }

  /** A shard has ended. Returns what the run is told of it. */
  endShard({ workflowId }: NextShard, { stages, cost }: ShardResult): ProgressUpdate {
    this.budget.end(workflowId, cost);
    this.progress.apply({ mode: 'add', rows: stages });
    return { ...this.rows, spent: this.budget.spent };
  }

  /** Whether shards are still to be taken up. */
  get hasShards(): boolean {
    return this.next < this.outline.shards + this.ownShards.length;
  }

  /** The filters that are to be applied now: all instructions are extracted, and none is filtered yet. */
  get filterNow(): RunOutline['filter'] {
    return this.phase === 'extract' && !this.hasShards ? this.outline.filter : undefined;
  }

  /** The filters are at work. Returns what the run is told of it. */
  beginFilter(): ProgressUpdate {
    return this.replace([filteringRow(this.outline)]);
  }

  /** The filters have kept so many instructions of each shard. Returns what the run is told of it. */
  endFilter(kept: readonly number[]): ProgressUpdate {
    return this.replace(filteredRows(this.outline, kept));
  }

  /** Input to continue as new with: the window continues where it is. */
  continued(): SynthesisInput {
    return { ...this.state, nextShard: this.next, ...(this.kept === undefined ? {} : { kept: this.kept }) };
  }

  /** Input to continue as new with after the filters: the window passes again, to answer what they kept of each shard. */
  answering(kept: readonly number[]): SynthesisInput {
    return { ...this.state, kept };
  }

  get result(): SynthesisResult {
    const stages = this.progress.snapshot();
    return { stages, replayRows: replayRows(this.outline, stages) };
  }

  /** Shards of own answers, after those of the method; before the filters, none are due. */
  private get ownShards(): readonly NextShard[] {
    const { runId, shardSize, ownAnswers = [] } = this.outline;
    if (this.phase === 'extract') return [];
    return ownAnswers.flatMap((own) =>
      Array.from({ length: own.shards }, (_, shard) => ({
        shard,
        size: Math.min(shardSize, own.prompts - shard * shardSize),
        workflowId: ownShardId(runId, own.name, shard),
        own,
      })),
    );
  }

  /** The budget was lowered: tells the run when no shard has a grant of before. */
  private async giveBack(revision: number): Promise<void> {
    const { byId, inFlight, silent } = await this.withdrawal.answers(revision, () => this.children.ids, PATIENCE_MS.synthesis);
    const { closed, open } = this.budget.costs;
    const spent = Object.entries(open).reduce(
      (sum, [id, known]) => addCosts(sum, largerCost(known, byId.get(id)?.spent ?? NO_COST)),
      closed,
    );
    await sendWithdrawn({ revision, spent, inFlight, silent });
  }

  private get state(): SynthesisInput {
    const { outline, work, progress, budget } = this;
    return { ...outline, order: work.order, totals: progress.snapshot(), treasury: budget.snapshot() };
  }

  private replace(rows: readonly StageProgress[]): ProgressUpdate {
    this.progress.apply({ mode: 'replace', rows });
    return this.rows;
  }

  private get rows(): ProgressUpdate {
    return { mode: 'replace', rows: this.progress.snapshot() };
  }
}

/** Rows of the method's replay set; where nothing is extracted, of the target's own answers. */
function replayRows({ shards, ownAnswers, target }: RunOutline, stages: readonly StageProgress[]): number {
  const first = ownAnswers?.[0];
  const made =
    shards > 0 || first === undefined
      ? stages.find(({ stage, model }) => stage === 'select' && model === '')
      : stages.find(({ stage, model }) =>
          first.judges.length > 0 ? stage === 'select' && model === first.name : stage === 'respond' && model === target,
        );
  return made === undefined ? 0 : made.done - made.failed;
}
