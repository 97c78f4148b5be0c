import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { ModelLimits } from '../../config/spec';
import type { ControlOrder, Pause, PauseRequest } from '../../contract/control';
import { failureOfType } from '../../contract/failures';
import { isTighter } from '../budget/allowances';

/** Work that a change of the order can end. */
interface Running extends WorkOptions {
  readonly scope: CancellationScope;
  interrupted: boolean;
}

export interface WorkOptions {
  /** Whose limits and address the activity needs, if any. */
  readonly model?: string;
  /** A pause ends the activity only when this holds: until then other work needs it. */
  readonly pausedWhen?: () => boolean;
  /** Called each time that the activity has ended, however it ended. */
  readonly onEnded?: () => void;
}

/**
 * Runs activities under the run's order. A pause or other limits end those that run, by cancellation: they finish and
 * journal their calls in flight. They are scheduled again when the order permits, and go on where they were.
 */
export class ControlledWork {
  private readonly running = new Set<Running>();
  /** Revision under which the store failed, or replies were unusable: only a later order lets the work go on. */
  private heldAt = -1;

  /** @param requestPause asks `experiment` to pause the run */
  constructor(
    private latest: ControlOrder,
    private readonly requestPause: (request: PauseRequest) => Promise<void>,
  ) {}

  /** The order that holds now. */
  get order(): ControlOrder {
    return this.latest;
  }

  /** Follows a new order. Returns false, and does nothing, for one that is not newer than the last. */
  follow(order: ControlOrder): boolean {
    if (order.revision <= this.order.revision) return false;
    const before = this.order;
    this.latest = order;
    for (const each of this.running) {
      const { model, pausedWhen } = each;
      if (pausedWhen !== undefined) {
        if (order.pause !== undefined) void this.pauseWhen(pausedWhen, each);
        continue;
      }
      const otherLimits =
        model !== undefined && (!sameLimits(before.limits[model], order.limits[model]) || isTighter(before.budget, order.budget));
      const moved = model !== undefined && before.served?.[model] !== order.served?.[model];
      if (order.pause === undefined && !otherLimits && !moved) continue;
      interrupt(each);
    }
    return true;
  }

  /** Whether no activity is in work. */
  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /**
   * Runs an activity until it ends by itself; a result that comes in spite of a cancellation counts.
   * @throws what the activity throws; CancelledFailure when the workflow is cancelled
   */
  async run<T>(
    activity: (limits: ModelLimits | undefined, baseURL: string | undefined) => Promise<T>,
    options: WorkOptions = {},
  ): Promise<T> {
    const { model } = options;
    const isUp = (): boolean => model === undefined || this.order.served?.[model] !== null;
    for (;;) {
      await condition(() => this.order.pause === undefined && this.order.revision > this.heldAt && isUp());
      const each: Running = { ...options, scope: new CancellationScope(), interrupted: false };
      this.running.add(each);
      try {
        const limits = model === undefined ? undefined : this.order.limits[model];
        const baseURL = model === undefined ? undefined : (this.order.served?.[model] ?? undefined);
        return await each.scope.run(async () => await activity(limits, baseURL));
      } catch (error) {
        if (isInterruption(error)) {
          if (each.interrupted) continue;
          throw isCancellation(error) ? error : new CancelledFailure('cancelled while it failed', [], error as Error);
        }
        const pause = pausingFailure(error);
        if (pause === undefined) throw error;
        const { revision } = this.order;
        this.heldAt = revision;
        await this.requestPause({ ...pause, revision });
      } finally {
        this.running.delete(each);
        options.onEnded?.();
      }
    }
  }

  /** Runs an activity that takes one object and no limits: see {@link run}. @param summary one line for the Web UI */
  runActivity<Input, Result>(
    activity: { executeWithOptions(options: ActivityOptions, args: [Input]): Promise<Result> },
    summary: string,
    input: NoInfer<Input>,
  ): Promise<Result> {
    return this.run(async () => await activity.executeWithOptions({ summary }, [input]));
  }

  private async pauseWhen(holds: () => boolean, each: Running): Promise<void> {
    const { revision } = this.order;
    const isOver = (): boolean => this.order.revision !== revision || !this.running.has(each);
    await CancellationScope.nonCancellable(async () => await condition(() => isOver() || holds()));
    if (!isOver()) interrupt(each);
  }
}

function interrupt(each: Running): void {
  each.interrupted = true;
  each.scope.cancel();
}

/** Cancelled; or failed while its cancellation was requested, as on a worker that is shutting down, and for that reason not retried. */
function isInterruption(error: unknown): boolean {
  return isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED');
}

/** The pause that a failed activity asks for: its store cannot be used, or its model's replies are unusable. */
function pausingFailure(error: unknown): Pause | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const storage = failureOfType(cause, 'StorageUnavailableError')?.message;
  if (storage !== undefined) return { by: 'storage', reason: storage };
  const replies = failureOfType(cause, 'UnusableRepliesError')?.message;
  return replies === undefined ? undefined : { by: 'replies', reason: replies };
}

function sameLimits(a: ModelLimits = {}, b: ModelLimits = {}): boolean {
  return a.concurrency === b.concurrency && a.requestsPerMinute === b.requestsPerMinute && a.tokensPerMinute === b.tokensPerMinute;
}
