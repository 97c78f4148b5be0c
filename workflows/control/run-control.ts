import { ApplicationFailure, patched, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import type { RunSpecInput } from '../../config/spec';
import type { TrainingCost, Withdrawn } from '../../contract/budget';
import { PAUSE_MEMO, type ControlOrder, type ControlState, type PauseRequest, type Pause } from '../../contract/control';
import { NO_SETTINGS, type BudgetSetting, type LimitsByModel, type RunSettings } from '../../contract/run-settings';
import { PAUSED_ATTRIBUTE } from '../../contract/search-attributes';
import { type Allowance, type Cost, NO_COST } from '../../method/cost';
import { isTighter } from '../budget/allowances';
import { grantTraining } from '../budget/grant-messages';
import { TrainingCosts } from '../budget/training-costs';
import { PATIENCE_MS, Withdrawal } from '../budget/withdrawal';
import { ChildWorkflows } from './child-workflows';
import { budgetOf, mergeLimits } from './control-requests';
import { ControlledWork } from './controlled-work';

/** Patch id: runs that began before it answer a lower budget at once. */
const WITHDRAWN = 'budget withdrawn';
/** Before it, a run was paused by a budget that had been replaced while the pause was asked for, and stood although the new one sufficed. */
const REPLACED = 'a replaced budget pauses nothing';

const NO_REASON = 'paused by hand';
/** Characters of a reason that are kept: the server limits all memos of a run to 40 KB. */
const MAX_REASON = 1_000;

/** Of the run's children only the synthesis has a budget's grants. */
function isSynthesis(workflowId: string): boolean {
  return workflowId.endsWith('/synthesis');
}

export interface RunControlOptions {
  /** Of the spec, which is not validated yet. */
  readonly models: RunSpecInput['models'];
  /** The spec's. */
  readonly budget: Allowance | undefined;
  /** What was set on this run before. */
  readonly settings: RunSettings | undefined;
  /** Stores what is set. */
  readonly save: (settings: RunSettings) => Promise<void>;
  /** A pause began, changed or ended. */
  readonly onPause: (pause: Pause | undefined) => void;
}

/** What was set on a run, and everything that has to follow it: the root's own activities, its children, the trainings' costs. */
export class RunControl {
  /** The root's own activities. */
  readonly work: ControlledWork;
  readonly children: ChildWorkflows;
  private order: ControlOrder;
  /** Revision of the latest `resume`: failures from before it pause nothing. */
  private resumedAt = 0;
  /** Revision of the budget that holds: one from before it pauses nothing. If this one does not suffice either, that is said again. */
  private budgetAt = 0;
  private settings: RunSettings;
  private spent: Cost = NO_COST;
  private readonly trainings = new TrainingCosts({
    grant: grantTraining,
    requestPause: async (request) => await this.pauseOnRequest(request),
  });
  private readonly withdrawal = new Withdrawal();
  private saving: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RunControlOptions) {
    this.settings = options.settings ?? NO_SETTINGS;
    const { limits, budget, anyway } = this.settings;
    this.order = { revision: 0, limits, budget: budgetOf(options.budget, budget), ...(anyway === undefined ? {} : { anyway }) };
    this.work = new ControlledWork(this.order, async (request) => await this.pauseOnRequest(request));
    this.children = new ChildWorkflows(this.order);
  }

  get state(): ControlState {
    const { pause, limits, budget } = this.order;
    return {
      paused: pause !== undefined,
      pausedBy: pause?.by ?? null,
      reason: pause?.reason ?? null,
      limits,
      budget,
      spent: { ...this.spent, usd: this.spent.usd + this.trainings.usd },
      trainingUsd: this.trainings.usd,
    };
  }

  async pause(reason?: string): Promise<void> {
    const said = reason?.trim();
    await this.change({ pause: { by: 'user', reason: said === undefined || said === '' ? NO_REASON : said } });
  }

  /** @param anyway from now on unusable replies pause nothing */
  async resume({ anyway = false } = {}): Promise<void> {
    const isNew = anyway && this.order.anyway === undefined;
    if (this.order.pause === undefined && !isNew) return;
    this.resumedAt = this.order.revision + 1;
    await this.change({ pause: undefined, ...(isNew ? { anyway: true } : {}) });
    if (!isNew) return;
    this.settings = { ...this.settings, anyway: true };
    await this.save();
  }

  /** A descendant, or an activity of the root, cannot go on. */
  async pauseOnRequest({ by, reason, revision, spent }: PauseRequest): Promise<void> {
    this.book(spent);
    if (this.order.pause === undefined && revision >= this.resumedAt && !this.isOfReplacedBudget(by, revision)) {
      await this.change({ pause: { by, reason: reason.slice(0, MAX_REASON) } });
    }
  }

  private isOfReplacedBudget(by: PauseRequest['by'], revision: number): boolean {
    return by === 'budget' && revision < this.budgetAt && patched(REPLACED);
  }

  /** @param limits checked by `checkLimits` */
  async setLimits(limits: LimitsByModel): Promise<void> {
    this.settings = { ...this.settings, limits: mergeLimits(this.settings.limits, limits, this.options.models) };
    await this.change({ limits: this.settings.limits });
    await this.save();
  }

  /**
   * Sets another budget. It resumes a run that is paused because its budget is reached. A lower one returns when nothing more is
   * sent on what was granted before: what may still be billed then.
   * @param budget checked by `checkBudget`
   */
  async setBudget(budget: BudgetSetting): Promise<ControlState['withdrawn']> {
    this.settings = { ...this.settings, budget: { ...this.settings.budget, ...budget } };
    const lowered = budgetOf(this.options.budget, this.settings.budget);
    const withdraw = isTighter(this.order.budget, lowered) && patched(WITHDRAWN) ? this.order.revision + 1 : undefined;
    this.budgetAt = this.order.revision + 1;
    const change = { budget: lowered, ...(withdraw === undefined ? {} : { withdraw }) };
    if (this.order.pause?.by === 'budget') {
      this.resumedAt = this.order.revision + 1;
      await this.change({ ...change, pause: undefined });
    } else {
      await this.change(change);
    }
    await this.save();
    return withdraw === undefined ? undefined : await this.withdrawn(withdraw);
  }

  /** Of an order that lowers the budget: when nothing more is sent on what was granted before, what may still be billed. */
  private async withdrawn(revision: number): Promise<ControlState['withdrawn']> {
    const { byId, inFlight, silent } = await this.withdrawal.answers(
      revision,
      () => this.children.ids.filter(isSynthesis),
      PATIENCE_MS.run,
    );
    for (const { spent } of byId.values()) this.book(spent);
    return { inFlight, silent };
  }

  /** The synthesis answers an order that lowers the budget. */
  receive(answer: Withdrawn): void {
    this.withdrawal.receive(answer);
  }

  /** The server of a model is up at this address; or, with null, is about to be started. */
  async serve(model: string, baseURL: string | null): Promise<void> {
    const { served = {} } = this.order;
    if (served[model] !== baseURL) await this.change({ served: { ...served, [model]: baseURL } });
  }

  /** The server of a model has ended: with the next order, nobody calls its address any more, which may be another's by then. */
  serverEnded(model: string): void {
    this.order = { ...this.order, served: { ...this.order.served, [model]: null } };
  }

  /** The synthesis tells what it has cost by now. */
  book(spent: Cost | undefined): void {
    if (spent !== undefined) this.spent = spent;
  }

  /** A variant tells what its provider's training costs. */
  async bookTraining(cost: TrainingCost): Promise<void> {
    await this.trainings.book(cost, this.order, this.spent.usd);
  }

  /** Runs writes one after the other: the file must be what was set last, and the run must be planned before. */
  async inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.saving.then(write, write);
    this.saving = turn.catch(() => undefined); // the caller of this write is told
    return await turn;
  }

  private async save(): Promise<void> {
    try {
      await this.inTurn(async () => await this.options.save(this.settings));
    } catch (cause) {
      throw ApplicationFailure.create({
        message:
          "it is set, and holds while this run goes on; but it could not be stored, so a run that is started again would not know of it: see the workers' log",
        cause: cause instanceof Error ? cause : undefined,
        nonRetryable: true,
      });
    }
  }

  private async change(change: {
    readonly pause?: Pause | undefined;
    readonly limits?: LimitsByModel;
    readonly budget?: Allowance;
    readonly withdraw?: number;
    readonly anyway?: true;
    readonly served?: ControlOrder['served'];
  }): Promise<void> {
    const before = this.order.pause;
    this.order = { ...this.order, ...change, revision: this.order.revision + 1 };
    const { pause } = this.order;
    if (pause?.by !== before?.by || pause?.reason !== before?.reason) {
      upsertSearchAttributes([{ key: PAUSED_ATTRIBUTE, value: pause?.by ?? null }]);
      upsertMemo({ [PAUSE_MEMO]: pause });
      this.options.onPause(pause);
    }
    this.work.follow(this.order);
    await this.children.tell(this.order);
    await this.trainings.review(this.order, this.spent.usd); // the budget may suffice now
  }
}
