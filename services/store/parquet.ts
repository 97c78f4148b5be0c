import type { TableSchema, ColumnType } from '../../stages/table';
const PARQUET_TYPES = { string: 'STRING', int: 'INT32', double: 'DOUBLE', boolean: 'BOOLEAN', json: 'STRING' } as const;

/** Rows of one row group of a file for others: large enough to compress well, small enough to be held twice. */
export const ROW_GROUP_ROWS = 5_000;
/** Of a stage's output: encoded in some 10 ms, for which the calls in flight have to wait. */
const STAGE_GROUP_ROWS = 500;

/**
 * Rows as one Parquet file (Snappy), readable by DuckDB, pandas and `datasets`. `undefined` is written as null. A row group at a
 * time: a mixture of 100,000 conversations is not held a second time, and the process does other things in between.
 */
export async function encodeParquet<Row extends object>(schema: TableSchema<Row>, rows: readonly Row[]): Promise<Buffer> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const { snappyCompressor } = await import('hysnappy');
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaFromColumnData({ columnData: parquetColumns(schema, []) }),
    // WebAssembly: the writer's own Snappy, in JavaScript, took half of the time of a stage's output.
    compressors: { SNAPPY: snappyCompressor() },
  });
  for (let start = 0; start < rows.length; start += STAGE_GROUP_ROWS) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    const group = rows.slice(start, start + STAGE_GROUP_ROWS);
    await writer.write({ columnData: parquetColumns(schema, group), rowGroupSize: group.length });
  }
  await writer.finish();
  const { buffer, byteOffset, byteLength } = bytes.getBytes();
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Rows as the columns that the Parquet writer takes. */
export function parquetColumns<Row extends object>(schema: TableSchema<Row>, rows: readonly Row[]) {
  return (Object.entries(schema) as [keyof Row & string, ColumnType][]).map(([name, type]) => ({
    name,
    type: PARQUET_TYPES[type],
    nullable: true,
    data: rows.map((row) => {
      const value: unknown = row[name];
      if (value === undefined || value === null) return null;
      return type === 'json' ? JSON.stringify(value) : value;
    }),
  }));
}

/** Reads what {@link encodeParquet} wrote. Nulls of optional columns come back as absent keys when `optional` names them. */
export async function decodeParquet<Row extends object>(
  schema: TableSchema<Row>,
  data: Buffer,
  optional: readonly (keyof Row & string)[] = [],
): Promise<Row[]> {
  const { parquetReadObjects } = await import('hyparquet');
  const file = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
  const objects = (await parquetReadObjects({ file })) as Record<string, unknown>[];
  return objects.map((object) => {
    const row: Record<string, unknown> = {};
    for (const [name, type] of Object.entries(schema) as [keyof Row & string, ColumnType][]) {
      const value = object[name];
      if (value === null || value === undefined) {
        if (!optional.includes(name)) row[name] = null;
      } else if (type === 'json') {
        row[name] = typeof value === 'string' ? JSON.parse(value) : value;
      } else {
        row[name] = value;
      }
    }
    return row as Row;
  });
}
