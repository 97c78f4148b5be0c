import { ApplicationFailure, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { PAUSED_ATTRIBUTE } from '../config/search-attributes';
import type { LimitsByModel, RunSettings } from '../config/run-settings';
import type { RunSpecInput } from '../config/spec';
import { FIRST_ORDER, PAUSE_MEMO, type ControlOrder, type ControlState, type Halt, type Pause } from './control';
import { mergeLimits } from './control-requests';
import { ControlledWork } from './controlled';
import { Offspring } from './offspring';

const NO_REASON = 'paused by hand';

export interface RunControlOptions {
  /** Not validated yet: it may come from anywhere. */
  readonly models: RunSpecInput['models'];
  /** What was set on this run before. */
  readonly settings: RunSettings | undefined;
  /** Stores what is set. */
  readonly save: (settings: RunSettings) => Promise<void>;
  /** A pause began, changed or ended. */
  readonly onPause: (pause: Pause | undefined) => void;
}

/** What `experiment` has been told, and everything that has to follow it. */
export class RunControl {
  /** The root's own activities. */
  readonly work: ControlledWork;
  readonly offspring: Offspring;
  private order: ControlOrder;
  /** Failures from before this revision have been dealt with by a `resume`. */
  private resumedAt = 0;
  private saving: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RunControlOptions) {
    this.order = { ...FIRST_ORDER, ...options.settings };
    this.work = new ControlledWork(this.order, async (halt) => await this.halt(halt));
    this.offspring = new Offspring(this.order);
  }

  get state(): ControlState {
    const { pause, limits } = this.order;
    return { paused: pause !== undefined, pausedBy: pause?.by ?? null, reason: pause?.reason ?? null, limits };
  }

  async pause(reason?: string): Promise<void> {
    const said = reason?.trim();
    await this.change({ pause: { by: 'user', reason: said === undefined || said === '' ? NO_REASON : said } });
  }

  async resume(): Promise<void> {
    if (this.order.pause === undefined) return;
    this.resumedAt = this.order.revision + 1;
    await this.change({ pause: undefined });
  }

  /** A descendant, or an activity of the root, cannot go on. */
  async halt({ by, reason, revision }: Halt): Promise<void> {
    if (this.order.pause === undefined && revision >= this.resumedAt) await this.change({ pause: { by, reason } });
  }

  /** @param limits checked by `checkLimits` */
  async setLimits(limits: LimitsByModel): Promise<void> {
    await this.change({ limits: mergeLimits(this.order.limits, limits, this.options.models) });
    await this.save();
  }

  /** One after the other: the file must be what was set last, and the run must be planned before. */
  async inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.saving.then(write, write);
    this.saving = turn.catch(() => undefined); // whoever wrote is told
    return await turn;
  }

  private async save(): Promise<void> {
    try {
      await this.inTurn(async () => await this.options.save({ limits: this.order.limits }));
    } catch (cause) {
      throw ApplicationFailure.create({
        message: 'it is set, and holds while this run goes on; but it could not be stored, so a run that is started again would not know of it: see the workers\' log',
        cause: cause instanceof Error ? cause : undefined, nonRetryable: true,
      });
    }
  }

  private async change(change: { readonly pause?: Pause | undefined; readonly limits?: LimitsByModel }): Promise<void> {
    const before = this.order.pause;
    this.order = { ...this.order, ...change, revision: this.order.revision + 1 };
    const { pause } = this.order;
    if (pause?.by !== before?.by || pause?.reason !== before?.reason) {
      upsertSearchAttributes([{ key: PAUSED_ATTRIBUTE, value: pause?.by ?? null }]);
      upsertMemo({ [PAUSE_MEMO]: pause });
      this.options.onPause(pause);
    }
    this.work.follow(this.order);
    await this.offspring.tell(this.order);
  }
}
