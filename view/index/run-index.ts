import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadLanguageDetector } from '../../services/data/language-detector';
import type { OpenStore } from '../../services/runs/open-store';
import type { RunPlan } from '../../stages/run-plan';
import { sha256 } from '../../stages/sha256';
import { INDEX_TABLES, INDEX_VERSION } from './index-schema';
import { indexShards } from './index-shards';
import { indexTopics, topicsAreStale } from './index-topics';
import { partFiles, type PartFiles } from './part-files';
import { shardFiles } from './shard-files';
import { plannedParts, shardStates, type ShardState } from './shard-parts';
import type { ViewDatabase } from './view-database';

export interface RunIndexOptions {
  readonly database: ViewDatabase;
  readonly opened: OpenStore;
  readonly runId: string;
  readonly plan: RunPlan;
  /** Of the run's own, or of one row's own answers. */
  readonly own: string | undefined;
  /** Name of the index: another plan is another one. */
  readonly indexName: string;
  /** Identifier under which the index is attached. */
  readonly schema: string;
}

/** How much of a run is there, and how much of that is in the index. */
export interface IndexState {
  readonly parts: number;
  readonly planned: number;
  readonly instructions: number;
  /** Shards that are still to be read; 0 when the index is up to date. */
  readonly waiting: number;
  /** Whether it is being brought up to date. */
  readonly busy: boolean;
  /** Counts what was put into the index: another number, other rows. */
  readonly version: number;
  readonly damage: readonly string[];
}

/** Shards that are read at a time: few enough for memory, enough to be quick. */
const SHARDS_A_TURN = 4;
/** A listing of a store is not made again sooner. */
const LOOK_AGAIN_MS = 2_000;

/** A run's index: a DuckDB file in the cache, made once and brought up to date as shards end. */
export class RunIndex {
  private waiting = 0;
  private version = 0;
  private readonly made = new Map<string, { readonly version: number; readonly value: Promise<unknown> }>();
  private planned: number;
  private refreshing: Promise<void> | undefined;
  private lookedAt = -Infinity;

  private constructor(
    private readonly options: RunIndexOptions,
    /** Of an index that another process has open: removed at the end. */
    private readonly ownFile: string | undefined,
    readonly files: PartFiles,
  ) {
    this.planned = plannedParts(options.plan);
  }

  static async open(options: RunIndexOptions): Promise<RunIndex> {
    const { database, opened, indexName, schema } = options;
    const { store, stages, workspace } = opened;
    const folder = join(database.folder, sha256(store.location('stages')).slice(0, 16));
    const shared = join(folder, `${indexName}-v${INDEX_VERSION}.duckdb`);
    await mkdir(dirname(shared), { recursive: true, mode: 0o700 });
    let ownFile: string | undefined;
    try {
      await database.attach(shared, schema);
    } catch {
      // Another process shows this run, and a DuckDB file has one writer; or the file is torn.
      ownFile = join(folder, `${indexName}-v${INDEX_VERSION}-${process.pid}.duckdb`);
      await rm(ownFile, { force: true });
      await database.attach(ownFile, schema);
    }
    await database.transaction(async (run) => {
      await run(`USE ${schema}`);
      for (const statement of INDEX_TABLES.split(';').filter((each) => each.trim() !== '')) await run(statement);
    });
    const files = partFiles({ store, stages, isFolder: workspace.isStore, cache: join(folder, 'files') });
    return new RunIndex(options, ownFile, files);
  }

  /** The row whose own answers these are; undefined for the method's instructions. */
  get own(): string | undefined {
    return this.options.own;
  }

  get runId(): string {
    return this.options.runId;
  }

  get plan(): RunPlan {
    return this.options.plan;
  }

  get schema(): string {
    return this.options.schema;
  }

  get opened(): OpenStore {
    return this.options.opened;
  }

  async rows<Row>(sql: (schema: string) => string, params: Parameters<ViewDatabase['rows']>[1] = {}): Promise<Row[]> {
    return await this.options.database.rows<Row>(sql(this.schema), params);
  }

  /** What is made from the index alone, once for each state of it. */
  async once<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    const { version } = this;
    const known = this.made.get(name);
    if (known?.version === version) return (await known.value) as Value;
    const value = make();
    this.made.set(name, { version, value });
    value.catch(() => this.made.delete(name));
    return await value;
  }

  async state(): Promise<IndexState> {
    const [row] = await this.rows<{ parts: number | null; instructions: number }>(
      (s) =>
        `SELECT (SELECT sum(parts)::INTEGER FROM ${s}.shards) AS parts, (SELECT count(*)::INTEGER FROM ${s}.items WHERE text IS NOT NULL) AS instructions`,
    );
    const damage = await this.rows<{ text: string }>((s) => `SELECT DISTINCT text FROM ${s}.damage ORDER BY text LIMIT 20`);
    return {
      parts: row?.parts ?? 0,
      planned: this.planned,
      instructions: row?.instructions ?? 0,
      waiting: this.waiting,
      busy: this.refreshing !== undefined,
      version: this.version,
      damage: damage.map(({ text }) => text),
    };
  }

  /** Brings the index up to date; of calls at the same time, one does it. */
  async refresh(): Promise<void> {
    this.refreshing ??= this.update().finally(() => {
      this.refreshing = undefined;
    });
    await this.refreshing;
  }

  /** The same, unless it was done just now. */
  async refreshIfOld(now: number): Promise<void> {
    if (this.refreshing === undefined && now - this.lookedAt < LOOK_AGAIN_MS) return;
    await this.refresh();
  }

  async close(): Promise<void> {
    await this.refreshing?.catch(() => undefined);
    await this.options.database.detach(this.schema).catch(() => undefined);
    if (this.ownFile !== undefined) await rm(this.ownFile, { force: true });
  }

  private async update(): Promise<void> {
    const { database, opened, plan, schema } = this.options;
    const known = new Map(
      (await this.rows<{ shard: number; signature: string }>((s) => `SELECT shard, signature FROM ${s}.shards`)).map((row) => [
        row.shard,
        row.signature,
      ]),
    );
    const states = await shardStates(opened.store, plan);
    const changed = states.filter(({ shard, signature }) => signature !== (known.get(shard) ?? ''));
    this.waiting = changed.length;
    for (let start = 0; start < changed.length; start += SHARDS_A_TURN) {
      const turn: ShardState[] = changed.slice(start, start + SHARDS_A_TURN);
      await indexShards(
        {
          database,
          schema,
          judges: plan.spec.synthesis.judge.judges,
          shardSize: plan.spec.synthesis.shardSize,
          withoutCut: plan.spec.synthesis.select.truncated === 'drop',
          detect: await loadLanguageDetector(),
        },
        turn,
        await shardFiles(opened.stages, this.files, turn),
      );
      this.waiting -= turn.length;
      this.version++;
    }
    if (await topicsAreStale(this)) {
      await indexTopics(database, this);
      this.version++;
    }
    this.lookedAt = performance.now();
  }
}
