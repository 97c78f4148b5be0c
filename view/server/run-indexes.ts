import type { OpenStore } from '../../services/runs/open-store';
import { RunIndex } from '../index/run-index';
import type { ViewDatabase } from '../index/view-database';

/** Indexes of the runs that were looked at, one a plan. */
export class RunIndexes {
  private readonly known = new Map<string, Promise<RunIndex>>();

  constructor(
    private readonly database: ViewDatabase,
    private readonly opened: OpenStore,
  ) {}

  /** The index of a run; undefined when the store has no such run. */
  async of(runId: string): Promise<RunIndex | undefined> {
    if (!(await this.opened.plans.listRuns()).includes(runId)) return undefined;
    const record = await this.opened.plans.findRun(runId);
    if (record === undefined) return undefined;
    const { plan: planHash } = record;
    const key = `${runId} ${planHash}`;
    const found = this.known.get(key) ?? this.open(runId, planHash, `r${this.known.size}`);
    this.known.set(key, found);
    return await found;
  }

  private async open(runId: string, planHash: string, schema: string): Promise<RunIndex> {
    const { database, opened } = this;
    return await RunIndex.open({ database, opened, runId, planHash, schema, plan: await opened.plans.load(planHash) });
  }

  async close(): Promise<void> {
    for (const index of this.known.values()) await (await index).close();
  }
}
