/** Column types that the tables use; `json` holds nested values as JSON text. */
export type ColumnType = 'string' | 'int' | 'double' | 'boolean' | 'json';

/** A table: its columns, in order. */
export type TableSchema<Row> = { readonly [K in keyof Row & string]-?: ColumnType };

/** Parquet columns of each kind of row. */
export interface Table<Row> {
  readonly schema: TableSchema<Row>;
  readonly optional: readonly (keyof Row & string)[];
}
