/** Column types that the tables use; `json` holds nested values as JSON text. */
export type ColumnType = 'string' | 'int' | 'double' | 'boolean' | 'json';

/** A table: its columns, in order. */
export type TableSchema<Row> = { readonly [K in keyof Row & string]-?: ColumnType };

/** Parquet columns of each kind of row. */
export interface Table<Row> {
  readonly schema: TableSchema<Row>;
  readonly optional: readonly (keyof Row & string)[];
  /** Columns that a stored file has only where a row does: files made before there were such columns stay the same, byte for byte. */
  readonly whereUsed?: readonly (keyof Row & string)[];
}
