import { CorruptArtifactError } from '../../services/store/stage-errors';
import type { StageManifest, StageStore } from '../../services/store/stage-store';
import { DamagedPartError, type PartFiles } from './part-files';
import { shardManifests, type ShardState } from './shard-parts';

/** Stages of a shard whose rows are read. */
const SHARD_STAGES = ['extract', 'filter', 'respond', 'judge', 'select'] as const;
/** What stands in the place of extraction for own answers: the prompts of a data set. */
const PROMPTS = 'prompts';
export type ShardStage = (typeof SHARD_STAGES)[number];

/** Parquet files of shards on this machine, and what could not be read. */
export interface ShardFiles {
  readonly rows: Readonly<Record<ShardStage, readonly string[]>>;
  readonly failures: readonly string[];
  readonly damage: readonly { readonly shard: number; readonly text: string }[];
}

/** The files of shards; those that are damaged are named and left out. */
export async function shardFiles(stages: StageStore, files: PartFiles, shards: readonly ShardState[]): Promise<ShardFiles> {
  const rows: Record<ShardStage, string[]> = { extract: [], filter: [], respond: [], judge: [], select: [] };
  const failures: string[] = [];
  const damage: { shard: number; text: string }[] = [];
  const read = async (shard: number, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      if (!(error instanceof DamagedPartError || error instanceof CorruptArtifactError)) throw error;
      damage.push({ shard, text: error.message });
    }
  };
  for (const state of shards) {
    let manifests: StageManifest[] = [];
    await read(state.shard, async () => {
      manifests = await shardManifests(stages, state);
    });
    for (const manifest of manifests) {
      const stage = manifest.stage === PROMPTS ? 'extract' : SHARD_STAGES.find((name) => name === manifest.stage);
      if (stage === undefined) continue;
      await read(state.shard, async () => {
        if (manifest.rows.rows > 0) rows[stage].push(await files(manifest, manifest.rows));
        if (manifest.failures.rows > 0) failures.push(await files(manifest, manifest.failures));
      });
    }
  }
  return { rows, failures, damage };
}

/** Columns that are read, for a stage of which there is no file yet. */
const COLUMNS: Readonly<Record<ShardStage | 'failures', Readonly<Record<string, string>>>> = {
  extract: { id: 'VARCHAR', text: 'VARCHAR', finishReason: 'VARCHAR', model: 'VARCHAR', attempts: 'INTEGER' },
  filter: { instructionId: 'VARCHAR', kept: 'BOOLEAN', reason: 'VARCHAR', detail: 'VARCHAR' },
  respond: {
    id: 'VARCHAR',
    instructionId: 'VARCHAR',
    model: 'VARCHAR',
    sample: 'INTEGER',
    text: 'VARCHAR',
    finishReason: 'VARCHAR',
    attempts: 'INTEGER',
  },
  judge: {
    id: 'VARCHAR',
    responseId: 'VARCHAR',
    instructionId: 'VARCHAR',
    judge: 'VARCHAR',
    score: 'DOUBLE',
    raw: 'VARCHAR',
    reason: 'VARCHAR',
  },
  select: { instructionId: 'VARCHAR', responseId: 'VARCHAR', model: 'VARCHAR', meanScore: 'DOUBLE', response: 'VARCHAR' },
  failures: { stage: 'VARCHAR', id: 'VARCHAR', model: 'VARCHAR', reason: 'VARCHAR', attempts: 'INTEGER' },
};

/** A stage's rows as a table of a query, which takes its files as the parameter of that name. */
export function rowsTable(stage: ShardStage | 'failures', files: readonly string[]): string {
  if (files.length > 0) return `read_parquet($${stage}, union_by_name = true)`;
  const columns = Object.entries(COLUMNS[stage]).map(([name, type]) => `NULL::${type} AS ${name}`);
  return `(SELECT ${columns.join(', ')} WHERE $${stage} IS NOT NULL AND false)`;
}
