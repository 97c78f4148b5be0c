import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';

/** What a query may be given; never put into its text. */
export type Params = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface ViewDatabaseOptions {
  /** Folder of this machine for indexes and what does not fit into memory. */
  readonly folder: string;
  /** What DuckDB may hold. */
  readonly memoryMb?: number;
}

const MEMORY_MB = 400;

/** DuckDB in this process; the indexes of runs are files that are attached to it, each under a name of its own. */
export class ViewDatabase {
  private constructor(
    private readonly instance: DuckDBInstance,
    readonly folder: string,
  ) {}

  static async open({ folder, memoryMb = MEMORY_MB }: ViewDatabaseOptions): Promise<ViewDatabase> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '2',
      memory_limit: `${memoryMb}MB`,
      temp_directory: join(folder, `spill-${process.pid}`),
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false', // nothing is downloaded
      autoload_known_extensions: 'false',
    });
    return new ViewDatabase(instance, folder);
  }

  /** Attaches a database file. @param name an identifier of ours, never a user's text */
  async attach(file: string, name: string): Promise<void> {
    await this.work(async (connection) => {
      await connection.run(`ATTACH '${file.replaceAll("'", "''")}' AS ${name}`);
    });
  }

  async detach(name: string): Promise<void> {
    await this.work(async (connection) => {
      await connection.run(`DETACH ${name}`);
    });
  }

  /** Rows of a query as plain JSON values. */
  async rows<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    return await this.work(async (connection) => await rowsOf<Row>(connection, sql, params));
  }

  /** Statements that all happen, or none; readers see the state before them until then. */
  async transaction<Result>(body: (run: (sql: string, params?: Params) => Promise<void>, connection: DuckDBConnection) => Promise<Result>) {
    return await this.work(async (connection) => {
      await connection.run('BEGIN');
      try {
        const result = await body(async (sql, params = {}) => {
          await connection.run(sql, ...bound(params));
        }, connection);
        await connection.run('COMMIT');
        return result;
      } catch (error) {
        await connection.run('ROLLBACK').catch(() => undefined); // the first error is the one to tell
        throw error;
      }
    });
  }

  close(): void {
    this.instance.closeSync();
  }

  private async work<Result>(body: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.instance.connect();
    try {
      return await body(connection);
    } finally {
      connection.closeSync();
    }
  }
}

async function rowsOf<Row>(connection: DuckDBConnection, sql: string, params: Params): Promise<Row[]> {
  const reader = await connection.runAndReadAll(sql, ...bound(params));
  return reader.getRowObjectsJson() as Row[];
}

function bound(params: Params): [Record<string, DuckDBValue>, Record<string, DuckDBType>] {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value)) {
      values[name] = listValue(value as string[]);
      types[name] = LIST(VARCHAR);
    } else values[name] = value as DuckDBValue;
  }
  return [values, types];
}
