import { ownAnswersRows } from '../../config/own-answers';
import type { OpenStore } from '../../services/runs/open-store';
import { ownAnswersPlans } from '../../stages/own-answers-plan';
import type { RunPlan } from '../../stages/run-plan';
import { sha256 } from '../../stages/sha256';
import { RunIndex } from '../index/run-index';
import type { ViewDatabase } from '../index/view-database';

/** A run as it was planned last. */
export interface ViewedRun {
  readonly runId: string;
  readonly plan: RunPlan;
  readonly planHash: string;
  /** Rows with own answers, of those that share them the first. */
  readonly own: ReadonlyMap<string, RunPlan>;
}

/** A stored plan has the counts of its rows in the order of the alphabet. */
function inTableOrder(plan: RunPlan): RunPlan {
  const counted = ownAnswersRows(plan.spec).flatMap(({ name }): [string, number][] => {
    const prompts = plan.prompts?.[name];
    return prompts === undefined ? [] : [[name, prompts]];
  });
  return { ...plan, prompts: Object.fromEntries(counted) };
}

/** Indexes of what was looked at: one of a plan's instructions, and one of each row's own answers. */
export class RunIndexes {
  private readonly known = new Map<string, Promise<RunIndex>>();
  private readonly plans = new Map<string, RunPlan>();

  constructor(
    private readonly database: ViewDatabase,
    private readonly opened: OpenStore,
  ) {}

  /** Undefined when the store has no such run. */
  async run(runId: string): Promise<ViewedRun | undefined> {
    if (!(await this.opened.plans.listRuns()).includes(runId)) return undefined;
    const record = await this.opened.plans.findRun(runId);
    if (record === undefined) return undefined;
    const plan = this.plans.get(record.plan) ?? (await this.opened.plans.load(record.plan));
    this.plans.set(record.plan, plan);
    return { runId, plan, planHash: record.plan, own: ownAnswersPlans(inTableOrder(plan)) };
  }

  /** The index of a run's instructions, or of one row's own answers; undefined when it has no such row. */
  async of({ runId, plan, planHash, own }: ViewedRun, row?: string): Promise<RunIndex | undefined> {
    const viewed = row === undefined ? plan : own.get(row);
    if (viewed === undefined) return undefined;
    const key = JSON.stringify([runId, planHash, row]);
    const indexName = row === undefined ? planHash : `${planHash}-${sha256(row).slice(0, 16)}`;
    const found = this.known.get(key) ?? this.open({ runId, plan: viewed, own: row, indexName, schema: `r${this.known.size}` });
    this.known.set(key, found);
    return await found;
  }

  private async open(options: Pick<Parameters<typeof RunIndex.open>[0], 'runId' | 'plan' | 'own' | 'indexName' | 'schema'>) {
    return await RunIndex.open({ database: this.database, opened: this.opened, ...options });
  }

  async close(): Promise<void> {
    for (const index of this.known.values()) await (await index).close();
  }
}
