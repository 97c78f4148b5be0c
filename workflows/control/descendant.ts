import { setHandler } from '@temporalio/workflow';
import { orderSignal, type ControlOrder } from '../../contract/control';
import { progressQuery, type StageProgress } from '../../contract/progress';
import { ProgressTable } from '../progress/progress-table';
import { ControlledWork } from './controlled-work';
import { tellWhenDrained } from './draining';
import { Root } from './root';

export interface DescendantOptions {
  readonly runId: string;
  /** Under which it begins. */
  readonly order: ControlOrder;
  /** Above its progress table. */
  readonly heading: string;
  readonly rows: readonly StageProgress[];
}

export interface FollowOptions {
  /** What else follows a new order: children, a budget. */
  readonly follow?: (latest: ControlOrder, before: ControlOrder) => Promise<void> | void;
  /** Whether nothing is in work here; given where servers end only then under a pause. */
  readonly isDrained?: (() => boolean) | undefined;
}

/**
 * What every workflow below `experiment` has: a progress table that it shows and is asked for, activities that run under the
 * run's order, and a way to tell the run something.
 */
export class Descendant {
  readonly progress: ProgressTable;
  readonly root: Root;
  readonly work: ControlledWork;

  constructor({ runId, order, heading, rows }: DescendantOptions) {
    this.progress = new ProgressTable(heading, rows);
    this.progress.pause(order.pause);
    this.root = new Root(runId);
    this.work = new ControlledWork(order, async (request) => await this.root.requestPause(request));
    setHandler(progressQuery, () => this.progress.snapshot());
  }

  /** Orders are followed from now on. Called last: an order that has come already is followed at once. */
  protected followOrders({ follow, isDrained }: FollowOptions = {}): void {
    const drain = async (): Promise<void> => {
      if (isDrained !== undefined) await tellWhenDrained(this.work, isDrained);
    };
    setHandler(orderSignal, async (latest) => {
      const before = this.work.order;
      if (!this.work.follow(latest)) return;
      this.progress.pause(latest.pause);
      await Promise.all([follow?.(latest, before), drain()]);
    });
    void drain(); // it may begin under a pause
  }
}
