import { condition } from '@temporalio/workflow';
import type { SilentBatch, StoppedBatch } from '../../contract/budget';
import { type Allowance, type Cost, NO_COST, addCosts, beyondCost, largerCost } from '../../method/cost';

interface RunningBatch {
  readonly allowance: Allowance | undefined;
  stopped?: StoppedBatch;
}

/** What a shard's batches say when they are told to stop, and what they are known to have cost. */
export class RunningBatches {
  /** Those whose activity is scheduled. */
  private readonly running = new Map<string, RunningBatch>();
  /** By batch: as it told last. */
  private readonly told = new Map<string, Cost>();
  /** By batch: what it has ordered from a provider and may still cost. */
  private readonly ordered = new Map<string, Cost>();

  constructor(private readonly workflowId: string) {}

  /** A batch's activity is scheduled. Begin and end are two calls: one await more would change the order in which a shard schedules. */
  begin(id: string, allowance: Allowance | undefined): void {
    this.running.set(id, { allowance });
  }

  /** It has ended, however. */
  end(id: string): void {
    this.running.delete(id);
  }

  /** What a batch has ordered and may still cost. */
  orderedOf(id: string): Cost {
    return this.ordered.get(id) ?? NO_COST;
  }

  /** Its outcome is known: nothing of it is out. */
  settled(id: string): void {
    this.ordered.delete(id);
  }

  /** A batch was told to stop, and sends nothing more; or it tells what it has ordered. */
  receive(stopped: StoppedBatch): void {
    this.told.set(stopped.id, stopped.cost);
    if (stopped.ordered === true) {
      this.ordered.set(stopped.id, stopped.inFlight);
      return;
    }
    const batch = this.running.get(stopped.id);
    if (batch !== undefined) batch.stopped = stopped;
  }

  /** By batch: the most that it is known to have cost. @param settled by the shard's budget */
  costs(settled: ReadonlyMap<string, Cost>): Record<string, Cost> {
    const ids = new Set([...settled.keys(), ...this.told.keys()]);
    return Object.fromEntries([...ids].map((id) => [id, largerCost(settled.get(id) ?? NO_COST, this.told.get(id) ?? NO_COST)]));
  }

  /** Waits until every batch that runs now has ended, or said that it sends nothing more. What its calls in flight, or all of its grant, may cost. */
  async stopped(patienceMs: number): Promise<{ readonly inFlight: Cost; readonly silent: readonly SilentBatch[] }> {
    const asked = [...this.running];
    const open = (): (readonly [string, RunningBatch])[] => asked.filter(([id, batch]) => this.running.get(id) === batch);
    await condition(() => open().every(([, { stopped }]) => stopped !== undefined), patienceMs);
    const worst = open().map(
      ([id, { allowance, stopped }]) => stopped?.inFlight ?? beyondCost(unspent(allowance), this.told.get(id) ?? NO_COST),
    );
    const still = new Set(open().map(([id]) => id));
    const out = [...this.ordered].flatMap(([id, cost]) => (still.has(id) ? [] : [cost]));
    return {
      inFlight: [...worst, ...out].reduce(addCosts, NO_COST),
      silent: open().flatMap(([batch, { stopped }]) => (stopped === undefined ? [{ workflowId: this.workflowId, batch }] : [])),
    };
  }
}

/** A side without a limit says nothing. */
function unspent({ usd = 0, tokens = 0 }: Allowance = {}): Cost {
  return { usd, tokens };
}
