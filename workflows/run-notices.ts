import { CancellationScope, isCancellation, log, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { Pause } from '../contract/control';
import type { NoticeEvent } from '../contract/notices';
import { notice } from './notice';

const MAX_MESSAGE = 1_000;

/** Tells people of a run's pauses and end, from when it is known that its workers know how. */
export class RunNotices {
  private isOn = false;
  private count = 0;
  private paused = false;

  /** From now on everything is told, where a worker has said that it knows how. */
  begin(isOn: boolean): void {
    this.isOn = isOn;
  }

  /** A pause began, changed or ended. */
  onPause(pause: Pause | undefined): void {
    if (pause !== undefined) void this.tell(pause.by === 'budget' ? 'budget' : 'paused', `paused: ${pause.reason}`);
    else if (this.paused) void this.tell('resumed', 'goes on');
    this.paused = pause !== undefined;
  }

  /** Runs the whole of a run, and tells how it ended. */
  async untilEnd<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      await this.tell('finished', 'has finished; its report is written');
      return result;
    } catch (error) {
      if (isCancellation(error)) await this.tell('cancelled', 'was cancelled; what is finished is stored');
      else await this.tell('failed', `failed: ${causeOf(error)}`);
      throw error;
    }
  }

  /** Waits only until the notice's own workflow exists, which needs no worker. */
  private async tell(event: NoticeEvent, message: string): Promise<void> {
    if (!this.isOn) return;
    const { workflowId: runId, runId: execution } = workflowInfo();
    const number = this.count++;
    try {
      await CancellationScope.nonCancellable(
        async () =>
          await startChild(notice, {
            workflowId: `${runId}/notice-${execution}-${number}`,
            args: [{ runId, event, message: message.slice(0, MAX_MESSAGE), at: new Date().toISOString() }],
            parentClosePolicy: ParentClosePolicy.ABANDON,
            workflowExecutionTimeout: '2 days',
            staticSummary: `tells: ${event}`,
          }),
      );
    } catch (error) {
      log.warn('a notice could not be started', { event, error });
    }
  }
}

/** The words of whoever gave up, below the wrappings of child workflows and activities. */
export function causeOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error && /^(Activity|ChildWorkflow)Failure$/.test(reason.name)) {
    reason = reason.cause;
  }
  return reason instanceof Error ? reason.message : String(reason);
}
