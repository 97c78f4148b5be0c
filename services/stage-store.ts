import type { Failure, Usage } from '../method/records';
import { sha256, type ArtifactStore } from './artifact-store';
import type { CallRecord } from './journal';
import { decodeParquet, encodeParquet } from './parquet';
import { callTable, failureTable, type Table } from './tables';

/** Address of one stage output: what determined it (`key`), and which part of the run's items it covers. */
export interface StageAddress {
  readonly stage: string;
  /** Hash of everything that determines the output; see stage-keys.ts. */
  readonly key: string;
  /** Range of items, such as `i0000000-i0000499`, or `all`. */
  readonly part: string;
}

/** What a stage did, for progress and report. */
export interface StageStats {
  /** Samples that were asked for. */
  readonly calls: number;
  /** HTTP requests that were answered. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Sum of the requests' durations. */
  readonly modelMs: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Faults that were ridden out by the last attempt, by kind. */
  readonly transient: Readonly<Record<string, number>>;
  /** Requests that were refused, by kind; older outputs do not tell. */
  readonly refused?: Readonly<Record<string, number>>;
  /** What counts against a budget, when it is more than the tokens above: calls whose end is not known count at their worst case. */
  readonly counted?: Usage;
}

interface StoredFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
}

/** Written last; a stage output exists when its manifest does. */
export interface StageManifest extends StageAddress {
  /** Version of the code that made the rows from the calls. */
  readonly rowsVersion: number;
  readonly rows: StoredFile;
  readonly failures: StoredFile;
  readonly calls?: StoredFile;
  readonly stats: StageStats;
  /** What a stage has to say besides its rows: scores, the mixture's arithmetic, the trainer's figures. */
  readonly detail?: unknown;
  /** The outputs that this one was made from, with their content. */
  readonly inputs: readonly { readonly address: StageAddress; readonly sha256: string }[];
  readonly createdAt: string;
}

export interface StageOutput<Row> {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  readonly calls?: readonly CallRecord[];
  readonly stats: StageStats;
  readonly detail?: unknown;
  readonly inputs: readonly StageAddress[];
}

/** Stats of a stage that calls no model, from its start to now. */
export function noCalls(startedAt: string): StageStats {
  return { calls: 0, requests: 0, promptTokens: 0, completionTokens: 0, modelMs: 0, startedAt, finishedAt: new Date().toISOString(), transient: {} };
}

/** A stored file is not what was written. */
export class CorruptArtifactError extends Error {
  override readonly name = 'CorruptArtifactError';
}

/** Finished stage outputs: immutable Parquet files under the hash of what determines them. */
export class StageStore {
  constructor(private readonly store: ArtifactStore) {}

  folder({ stage, key, part }: StageAddress): string {
    return `stages/${stage}/${key}/${part}`;
  }

  /** Folder of the journal of an output that is being made. */
  journalFolder(address: StageAddress): string {
    return this.store.localPath(`${this.folder(address)}/journal`);
  }

  /** Manifest of a finished output, or undefined when it is missing or its inputs have changed since. */
  async find(address: StageAddress, rowsVersion: number): Promise<StageManifest | undefined> {
    const data = await this.store.read(this.manifestPath(address, rowsVersion));
    if (data === undefined) return undefined;
    const manifest = this.parseManifest(address, data);
    for (const input of manifest.inputs) {
      if ((await this.contentHash(input.address)) !== input.sha256) return undefined;
    }
    return manifest;
  }

  /** Newest manifest of an output, whatever version of the code made its rows. */
  async latest(address: StageAddress): Promise<StageManifest | undefined> {
    const names = (await this.store.list(this.folder(address))).filter((name) => /^manifest-v\d+\.json$/.test(name));
    const newest = names.sort((a, b) => Number(a.match(/\d+/)?.[0]) - Number(b.match(/\d+/)?.[0])).at(-1);
    if (newest === undefined) return undefined;
    const data = await this.store.read(`${this.folder(address)}/${newest}`);
    return data === undefined ? undefined : this.parseManifest(address, data);
  }

  /** Rows of a finished output. @throws CorruptArtifactError when the file's checksum does not match */
  async readRows<Row extends object>(manifest: StageManifest, table: Table<Row>): Promise<Row[]> {
    return await decodeParquet(table.schema, await this.readChecked(manifest, manifest.rows), table.optional);
  }

  async readFailures(manifest: StageManifest): Promise<Failure[]> {
    return await decodeParquet(failureTable.schema, await this.readChecked(manifest, manifest.failures), failureTable.optional);
  }

  /** The raw calls of a finished output; empty for stages that call no model. */
  async readCalls(manifest: StageManifest): Promise<CallRecord[]> {
    if (manifest.calls === undefined) return [];
    return await decodeParquet(callTable.schema, await this.readChecked(manifest, manifest.calls), callTable.optional);
  }

  /** Stores an output. When another attempt was first, its output stays and its manifest is returned. */
  async commit<Row extends object>(address: StageAddress, rowsVersion: number, table: Table<Row>, output: StageOutput<Row>): Promise<StageManifest> {
    const inputs = await Promise.all(
      output.inputs.map(async (input) => {
        const hash = await this.contentHash(input);
        if (hash === undefined) throw new Error(`input ${this.folder(input)} vanished while ${this.folder(address)} was made`);
        return { address: input, sha256: hash };
      }),
    );
    const manifest: StageManifest = {
      ...address,
      rowsVersion,
      rows: await this.writeTable(address, 'rows', table, output.rows),
      failures: await this.writeTable(address, 'failures', failureTable, output.failures),
      ...(output.calls === undefined ? {} : { calls: await this.writeTable(address, 'calls', callTable, output.calls) }),
      stats: output.stats,
      ...(output.detail === undefined ? {} : { detail: output.detail }),
      inputs,
      createdAt: new Date().toISOString(),
    };
    const path = this.manifestPath(address, rowsVersion);
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    if (await this.store.create(path, text)) return manifest;
    const winner = await this.find(address, rowsVersion);
    if (winner !== undefined) return winner;
    await this.store.write(path, text); // the one in place was made from inputs that have changed
    return manifest;
  }

  private parseManifest(address: StageAddress, data: Buffer): StageManifest {
    try {
      return JSON.parse(data.toString('utf8')) as StageManifest;
    } catch (cause) {
      throw new CorruptArtifactError(`the manifest in ${this.store.localPath(this.folder(address))} is damaged; ${this.wayOut(address)}`, { cause });
    }
  }

  private wayOut(address: StageAddress): string {
    return `remove the folder ${this.store.localPath(this.folder(address))} and start the run again to make it anew`;
  }

  private manifestPath(address: StageAddress, rowsVersion: number): string {
    return `${this.folder(address)}/manifest-v${rowsVersion}.json`;
  }

  private async contentHash(address: StageAddress): Promise<string | undefined> {
    return (await this.latest(address))?.rows.sha256;
  }

  private async writeTable<Row extends object>(address: StageAddress, name: string, table: Table<Row>, rows: readonly Row[]): Promise<StoredFile> {
    const data = await encodeParquet(table.schema, rows);
    const hash = sha256(data);
    // Named after its content: two attempts that end together cannot mix their files.
    const file = `${name}-${hash.slice(0, 12)}.parquet`;
    await this.store.write(`${this.folder(address)}/${file}`, data);
    return { file, sha256: hash, bytes: data.byteLength, rows: rows.length };
  }

  private async readChecked(manifest: StageManifest, stored: StoredFile): Promise<Buffer> {
    const path = `${this.folder(manifest)}/${stored.file}`;
    const data = await this.store.read(path);
    if (data !== undefined && sha256(data) === stored.sha256) return data;
    throw new CorruptArtifactError(
      `${this.store.localPath(path)} is ${data === undefined ? 'missing' : 'damaged: its checksum does not match its manifest'}; ${this.wayOut(manifest)}`,
    );
  }
}
