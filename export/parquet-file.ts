import type { ParquetWriter } from 'hyparquet-writer';
import { parquetColumns, ROW_GROUP_ROWS } from '../services/store/parquet';
import type { AnyStageExport } from './export-rows';

type Row = Readonly<Record<string, unknown>>;

/**
 * Writes a stage as one Parquet file (Snappy; nested values as JSON text), a row group at a time. Returns the rows written.
 * @throws the file system's error
 */
export async function writeParquetFile(stage: AnyStageExport, path: string): Promise<number> {
  const { fileWriter, ParquetWriter: Writer, schemaFromColumnData } = await import('hyparquet-writer');
  const { schema } = stage.table;
  const writer: ParquetWriter = new Writer({
    writer: fileWriter(path),
    schema: schemaFromColumnData({ columnData: parquetColumns(schema, []) }),
  });
  let pending: Row[] = [];
  let rows = 0;
  const flush = async (): Promise<void> => {
    if (pending.length === 0) return;
    await writer.write({ columnData: parquetColumns(schema, pending), rowGroupSize: pending.length });
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
