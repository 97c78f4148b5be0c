import { ApplicationFailure, CancellationScope, log } from '@temporalio/workflow';
import type { FailureType } from '../../contract/failures';
import type { PlanRef } from '../../contract/run';
import { activitiesOn } from '../activities';
import type { ControlledWork } from './controlled-work';

const cpu = activitiesOn('cpu');

/**
 * Looks at what is stored of a run that goes on, when somebody asks for it. Stages whose outputs are damaged may long be over, and
 * those behind them need not read them again; so what is at work is ended, as by a cancellation, and all stages are run again:
 * what is whole is found at once.
 */
export class Mending {
  private plan: PlanRef | undefined;
  private stages: CancellationScope | undefined;
  private lost: string | undefined;

  constructor(private readonly work: ControlledWork) {}

  /** Runs stages; the stages before are to be run again when it is found meanwhile that something is damaged. @throws ApplicationFailure `InputLostError` then */
  async watch<T>(plan: PlanRef, stages: () => Promise<T>): Promise<T> {
    this.plan = plan;
    this.lost = undefined;
    this.stages = new CancellationScope();
    try {
      return await this.stages.run(stages);
    } catch (error) {
      if (this.lost === undefined || CancellationScope.current().consideredCancelled) throw error;
      throw ApplicationFailure.create({ type: 'InputLostError' satisfies FailureType, message: this.lost, nonRetryable: true });
    } finally {
      this.stages = undefined;
    }
  }

  /** The stages follow another plan from now on. */
  follow(plan: PlanRef): void {
    this.plan = plan;
  }

  /** Before the first stage there is nothing to do: what is stored is looked at when the run is planned. */
  async look(): Promise<void> {
    if (this.plan === undefined || this.stages === undefined) return;
    try {
      const { runId, plan } = this.plan;
      const { damaged } = await this.work.runActivity(cpu.setDamagedAside, 'is what is stored whole?', { runId, plan });
      if (damaged.length === 0) return;
      this.lost = `${damaged.length} stored outputs are damaged: ${damaged[0]}`;
      this.stages?.cancel();
    } catch (error) {
      log.warn('what is stored could not be looked at', { error: String(error) });
    }
  }
}
