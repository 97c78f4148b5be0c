import type { RunSettings } from '../../contract/run-settings';
import { canonicalJson } from '../../method/canonical-json';
import type { Cost } from '../../method/cost';
import type { RunPlan } from '../../stages/run-plan';
import { sha256 } from '../../stages/sha256';
import { type ArtifactStore } from './artifact-store';
import { InputLostError } from './stage-errors';

/** What is known of a run without a server: `export` and `report` start here. */
export interface RunRecord {
  readonly runId: string;
  readonly plan: string;
  readonly startedAt: string;
  /** Why a raw prompt was changed before sending, and the like. */
  readonly warnings: readonly string[];
  /** What asking its endpoints what they take has cost; absent where nobody was asked. */
  readonly probed?: Cost;
}

/** What of a run's end the stage outputs do not tell. */
export interface RunOutcome {
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
}

const HASH_DIGITS = 20;

/** A worker's store is another than that of the worker that planned. */
class PlanNotFoundError extends Error {
  override readonly name = 'PlanNotFoundError';
}

/** Plans by their hash, and the run ids that point to them. */
export class PlanStore {
  private readonly cache = new Map<string, RunPlan>();

  constructor(private readonly store: ArtifactStore) {}

  /** Stores a plan; returns its hash. */
  async save(plan: RunPlan): Promise<string> {
    const text = canonicalJson(JSON.parse(JSON.stringify(plan)));
    const hash = sha256(text).slice(0, HASH_DIGITS);
    await this.store.write(`plans/${hash}.json`, text);
    return hash;
  }

  /** @throws PlanNotFoundError */
  async load(hash: string): Promise<RunPlan> {
    const cached = this.cache.get(hash);
    if (cached !== undefined) return cached;
    const data = await this.store.read(`plans/${hash}.json`);
    if (data === undefined) {
      throw new PlanNotFoundError(
        `plan ${hash} is not in the store at ${this.store.location('plans')}; all workers of a run must share one store (REHEARSE_STORE, REHEARSE_HOME)`,
      );
    }
    if (sha256(data).slice(0, HASH_DIGITS) !== hash) {
      throw new InputLostError(
        `the plan ${this.store.location(`plans/${hash}.json`)} is damaged: it is not what its name says; start the run again, which plans it again`,
      );
    }
    const plan = JSON.parse(data.toString('utf8')) as RunPlan;
    this.cache.set(hash, plan);
    return plan;
  }

  async saveRun(record: RunRecord): Promise<void> {
    await this.store.write(`runs/${record.runId}/run.json`, `${JSON.stringify(record, null, 2)}\n`);
  }

  /** The record of a run, or undefined when no run of that id was ever planned in this store. */
  async findRun(runId: string): Promise<RunRecord | undefined> {
    const data = await this.store.read(`runs/${runId}/run.json`);
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as RunRecord);
  }

  /** Keeps what was set on a run beside its spec, in place of what was set before. */
  async saveSettings(runId: string, settings: RunSettings): Promise<void> {
    await this.store.write(settingsPath(runId), `${JSON.stringify(settings, null, 2)}\n`);
  }

  /** What was set on a run, or undefined when nothing was. */
  async findSettings(runId: string): Promise<RunSettings | undefined> {
    const data = await this.store.read(settingsPath(runId));
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as RunSettings);
  }

  /** Notes which variants failed, for the report; what is noted of an earlier attempt is replaced. */
  async saveOutcome(runId: string, outcome: RunOutcome): Promise<void> {
    await this.store.write(`runs/${runId}/outcome.json`, `${JSON.stringify(outcome, null, 2)}\n`);
  }

  async findOutcome(runId: string): Promise<RunOutcome | undefined> {
    const data = await this.store.read(`runs/${runId}/outcome.json`);
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as RunOutcome);
  }

  async listRuns(): Promise<string[]> {
    return await this.store.list('runs');
  }
}

function settingsPath(runId: string): string {
  return `runs/${runId}/settings.json`;
}
