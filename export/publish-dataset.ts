import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Variant } from '../config/variants';
import type { Message } from '../method/records';
import { ROW_GROUP_ROWS } from '../services/store/parquet';
import type { StageStore } from '../services/store/stage-store';
import { mixStage } from '../stages/mix';
import { replayStage } from '../stages/replay';
import { type RunPlan } from '../stages/run-plan';
import { datasetCard } from './dataset-card';
import { shapeRow, shapeSchema, type DatasetShape, type PublishedRow } from './dataset-shapes';
import { exportStage } from './export-rows';
import type { Coverage } from './stored-parts';

export interface PublishOptions {
  readonly runId: string;
  readonly stages: StageStore;
  readonly plan: RunPlan;
  readonly variant: Variant;
  readonly stage: 'replay' | 'mixture';
  readonly shape: DatasetShape;
  /** Folder to write: README.md and data/train.parquet. */
  readonly folder: string;
}

export interface PublishedDataset {
  readonly rows: number;
  /** Rows that the shape cannot hold. */
  readonly leftOut: number;
  readonly coverage: Coverage;
}

/**
 * Writes a folder that is a data set of the Hugging Face hub: Parquet with real nested columns, and a card that says how it
 * was made. The card is written last.
 * @throws the file system's error; CorruptArtifactError when the store is damaged
 */
export async function writeDataset({ runId, stages, plan, variant, stage, shape, folder }: PublishOptions): Promise<PublishedDataset> {
  const rows = exportStage(stage, { stages, plan, variant });
  const counts = new Map<string, number>();
  let written = 0;
  let leftOut = 0;
  let cut = 0;
  let scores = 0;
  let scored = 0;

  async function* columns(): AsyncGenerator<Record<string, unknown>[]> {
    let pending: Record<string, unknown>[] = [];
    for await (const part of rows.parts()) {
      for (const row of part) {
        const published = publishedRow(row, stage);
        const shaped = shapeRow(published, shape);
        if (shaped === undefined) {
          leftOut++;
          continue;
        }
        const group = String(published.extra['model'] ?? published.extra['source'] ?? variant.name);
        counts.set(group, (counts.get(group) ?? 0) + 1);
        if (typeof published.extra['mean_score'] === 'number') {
          scores += published.extra['mean_score'];
          scored++;
        }
        if (published.extra['cut'] === true) cut++;
        written++;
        pending.push(shaped);
        if (pending.length >= ROW_GROUP_ROWS) {
          yield pending;
          pending = [];
        }
      }
    }
    if (pending.length > 0) yield pending;
  }

  await mkdir(join(folder, 'data'), { recursive: true });
  const path = join(folder, 'data', 'train.parquet');
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    await writeGroups(temporary, shapeSchema(shape, extraColumns(stage, variant)), columns());
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  const key =
    stage === 'mixture'
      ? mixStage.at(plan, variant.name).address.key
      : variant.replay?.kind === 'method'
        ? plan.keys.select
        : replayStage.at(plan, variant.name).address.key;
  await writeFile(
    join(folder, 'README.md'),
    datasetCard({
      runId,
      spec: plan.spec,
      stage,
      variant: variant.name,
      ...(variant.replay?.kind === 'own-answers' ? { own: variant.replay } : {}),
      shape,
      rows: written,
      leftOut,
      cut,
      counts,
      meanScore: scored === 0 ? null : scores / scored,
      key,
    }),
  );
  return { rows: written, leftOut, coverage: rows.coverage };
}

async function writeGroups(
  path: string,
  schema: ReturnType<typeof shapeSchema>,
  groups: AsyncIterable<Record<string, unknown>[]>,
): Promise<void> {
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer');
  const names = topLevel(schema);
  const writer = new ParquetWriter({ writer: fileWriter(path), schema });
  for await (const group of groups) {
    await writer.write({ columnData: names.map((name) => ({ name, data: group.map((row) => row[name]) })), rowGroupSize: group.length });
  }
  await writer.finish();
}

/** Names of the columns, without what is nested in them. */
function topLevel(schema: ReturnType<typeof shapeSchema>): string[] {
  const names: string[] = [];
  const skip = (index: number): number => {
    let next = index + 1;
    for (let child = 0; child < (schema[index]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let index = 1; index < schema.length; index = skip(index)) names.push(schema[index]!.name);
  return names;
}

/** The columns beside the conversation, by example. */
function extraColumns(stage: PublishOptions['stage'], { replay }: Variant): PublishedRow['extra'] {
  if (stage === 'mixture') return { source: '', cut: false };
  return replay?.kind === 'method' ? { model: '', mean_score: 0, cut: false } : { cut: false };
}

function publishedRow(row: Readonly<Record<string, unknown>>, stage: PublishOptions['stage']): PublishedRow {
  const messages = row['messages'] as readonly Message[];
  const cut = row['cut'] === true;
  if (stage === 'mixture') return { id: row['id'] as string, messages, extra: { source: row['source'] as string, cut } };
  if (row['instructionId'] === undefined) return { id: row['id'] as string, messages, extra: { cut } };
  return {
    id: row['instructionId'] as string,
    messages,
    extra: { model: row['model'] as string, mean_score: Number(row['meanScore']), cut: row['finishReason'] === 'length' },
  };
}
