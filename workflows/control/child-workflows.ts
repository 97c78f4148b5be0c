import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  ParentClosePolicy,
  sleep,
  startChild,
  type ChildWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import { orderSignal, type ControlOrder } from '../../contract/control';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** How a child is started. */
export interface ChildOptions<Input> {
  readonly workflowId: string;
  /** One line for the Web UI. */
  readonly summary: string;
  /** The child's input; it begins under this order. */
  readonly input: (order: ControlOrder) => Input;
}

type Child<Input, Result> = (input: Input) => Promise<Result>;
type Tellable = Pick<ChildWorkflowHandle<Workflow>, 'workflowId' | 'signal'>;
type Handle<Input, Result> = ChildWorkflowHandle<Child<Input, Result>>;

/** The open children of a workflow, and the order that all of them follow. */
export class ChildWorkflows {
  private readonly open = new Set<Tellable>();
  private readonly starting = new Set<string>();
  /** By workflow id: the latest order under which a child has said that nothing of it is in work. */
  private readonly drainedUnder = new Map<string, number>();

  constructor(private order: ControlOrder) {}

  /** Whether no child has anything in work, under an order that pauses the run. */
  get isDrained(): boolean {
    return this.starting.size === 0 && [...this.open].every(({ workflowId }) => this.drainedUnder.get(workflowId) === this.order.revision);
  }

  /** Workflow ids of the children that are open, or about to be. */
  get ids(): string[] {
    return [...this.starting, ...[...this.open].map(({ workflowId }) => workflowId)];
  }

  /** A child says that under this order nothing of it is in work. */
  drained({ id, revision }: { readonly id: string; readonly revision: number }): void {
    this.drainedUnder.set(id, revision);
  }

  /** Runs a child to its end. Cancelled with its parent, whichever way that ends. */
  async run<Input, Result>(type: Child<Input, Result>, options: ChildOptions<Input>): Promise<Result> {
    const { order } = this;
    this.starting.add(options.workflowId);
    const child = await startWhenFree(type, options, order).finally(() => this.starting.delete(options.workflowId));
    this.open.add(child);
    try {
      if (this.order.revision !== order.revision) await tell(child, this.order);
      return await child.result();
    } finally {
      this.open.delete(child);
      this.drainedUnder.delete(child.workflowId);
    }
  }

  /** Sends a new order to all open children, and to those that start from now on. */
  async tell(order: ControlOrder): Promise<void> {
    this.order = order;
    await Promise.all([...this.open].map(async (child) => await tell(child, order)));
  }
}

async function tell(child: Tellable, order: ControlOrder): Promise<void> {
  try {
    await child.signal(orderSignal, order);
  } catch (error) {
    // It has just ended, and its result is on its way; or all is being cancelled.
    if (!isCancellation(error)) log.warn('a child did not get its order', { workflowId: child.workflowId, error: String(error) });
  }
}

/**
 * Starts a child. A child of an earlier run that was terminated or timed out may still hold its id: that one has been told to
 * stop, and is waited for while it journals its calls in flight.
 */
async function startWhenFree<Input, Result>(
  type: Child<Input, Result>,
  { workflowId, summary, input }: ChildOptions<Input>,
  order: ControlOrder,
): Promise<Handle<Input, Result>> {
  const start = async (): Promise<Handle<Input, Result>> =>
    await startChild<Child<Input, Result>>(type, {
      workflowId,
      args: [input(order)],
      // A parent that is terminated or times out cannot wait for its children; they drain by themselves.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: summary,
    });
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (waitMs === FIRST_WAIT_MS) await stop(workflowId);
      await sleep(waitMs);
    }
  }
}

async function stop(workflowId: string): Promise<void> {
  log.warn('another run still holds this workflow id; asking it to stop', { workflowId });
  try {
    await CancellationScope.nonCancellable(async () => await getExternalWorkflowHandle(workflowId).cancel());
  } catch (error) {
    log.info('it has ended by itself', { workflowId, error: String(error) });
  }
}
