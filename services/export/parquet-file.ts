import type { ParquetWriter } from 'hyparquet-writer';
import type { ColumnType } from '../parquet';
import type { AnyStageExport } from './export-rows';

/** Rows of one row group: large enough to compress well, small enough to be held in memory. */
const ROW_GROUP_ROWS = 10_000;

const PARQUET_TYPES = { string: 'STRING', int: 'INT32', double: 'DOUBLE', boolean: 'BOOLEAN', json: 'STRING' } as const;

type Row = Readonly<Record<string, unknown>>;

/**
 * Writes a stage as one Parquet file (Snappy; nested values as JSON text), a row group at a time. Returns the rows written.
 * @throws the file system's error
 */
export async function writeParquetFile(stage: AnyStageExport, path: string): Promise<number> {
  const { fileWriter, ParquetWriter: Writer, schemaFromColumnData } = await import('hyparquet-writer');
  const columns = Object.entries(stage.table.schema);
  const writer: ParquetWriter = new Writer({ writer: fileWriter(path), schema: schemaFromColumnData({ columnData: columnData(columns, []) }) });
  let pending: Row[] = [];
  let rows = 0;
  const flush = async (): Promise<void> => {
    if (pending.length === 0) return;
    await writer.write({ columnData: columnData(columns, pending), rowGroupSize: pending.length });
    rows += pending.length;
    pending = [];
  };
  for await (const part of stage.parts()) {
    for (const row of part) {
      pending.push(row);
      if (pending.length >= ROW_GROUP_ROWS) await flush();
    }
  }
  await flush();
  await writer.finish();
  return rows;
}

function columnData(columns: readonly (readonly [string, ColumnType])[], rows: readonly Row[]) {
  return columns.map(([name, type]) => ({
    name,
    type: PARQUET_TYPES[type],
    nullable: true,
    data: rows.map((row) => {
      const value = row[name];
      if (value === undefined || value === null) return null;
      return type === 'json' ? JSON.stringify(value) : value;
    }),
  }));
}
