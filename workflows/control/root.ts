import { getExternalWorkflowHandle, isCancellation, log, workflowInfo, type ExternalWorkflowHandle } from '@temporalio/workflow';
import { trainingCostSignal, type TrainingCost } from '../../contract/budget';
import { pauseRequestSignal, type PauseRequest } from '../../contract/control';
import { progressSignal, type ProgressUpdate } from '../../contract/progress';

/** The `experiment` that this workflow works for: this very run of it, not one that was started later under the same id. */
export class Root {
  private readonly handle: ExternalWorkflowHandle;

  constructor(runId: string) {
    this.handle = getExternalWorkflowHandle(runId, workflowInfo().root?.runId);
  }

  /** Rows for the run's progress table. */
  async report(update: ProgressUpdate): Promise<void> {
    await this.send(async () => await this.handle.signal(progressSignal, update));
  }

  /** Asks for the whole run to be paused. */
  async requestPause(request: PauseRequest): Promise<void> {
    await this.send(async () => await this.handle.signal(pauseRequestSignal, request));
  }

  /** What a provider's training costs. */
  async bookTraining(cost: TrainingCost): Promise<void> {
    await this.send(async () => await this.handle.signal(trainingCostSignal, cost));
  }

  /** A root that has been terminated gets nothing; this workflow has been told to stop then. */
  private async send(signal: () => Promise<void>): Promise<void> {
    try {
      await signal();
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('a message to the run was not delivered', { error: String(error) });
    }
  }
}
