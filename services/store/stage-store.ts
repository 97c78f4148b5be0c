import { canonicalJson } from '../../method/canonical-json';
import type { Failure } from '../../method/records';
import { type StageAddress } from '../../stages/address';
import type { CallRecord } from '../../stages/call-record';
import { sha256 } from '../../stages/sha256';
import { type Table } from '../../stages/table';
import { callTable, failureTable, heldOutLossTable, type HeldOutLossRow } from '../../stages/tables';
import { type ArtifactStore } from './artifact-store';
import { decodeParquet, encodeParquet } from './parquet';
import { CorruptArtifactError, InputLostError } from './stage-errors';
import {
  manifestName,
  parseManifest,
  sealed,
  type OutputFile,
  type StageManifest,
  type StageStats,
  type StoredFile,
} from './stage-manifest';

export { CorruptArtifactError, InputLostError } from './stage-errors';
export { noCalls } from './stage-manifest';
export type { OutputFile, StageManifest, StageStats } from './stage-manifest';
export type { StageAddress } from '../../stages/address';

export interface StageOutput<Row> {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  readonly calls?: readonly CallRecord[];
  readonly losses?: readonly HeldOutLossRow[];
  readonly files?: readonly OutputFile[];
  readonly stats: StageStats;
  readonly detail?: unknown;
  readonly inputs: readonly StageAddress[];
}

/** Finished stage outputs: immutable Parquet files under the hash of what determines them. */
export class StageStore {
  constructor(private readonly store: ArtifactStore) {}

  folder({ stage, key, part }: StageAddress): string {
    return `stages/${stage}/${key}/${part}`;
  }

  /** Manifest of a finished output, or undefined when it is missing or its inputs have changed since. @throws CorruptArtifactError */
  async find(address: StageAddress, rowsVersion: number): Promise<StageManifest | undefined> {
    const manifest = await this.readManifest(address, manifestName(rowsVersion));
    for (const input of manifest?.inputs ?? []) {
      if ((await this.contentHash(input.address)) !== input.sha256) return undefined;
    }
    return manifest;
  }

  /** Newest manifest of an output, whatever version of the code made its rows. @throws CorruptArtifactError */
  async latest(address: StageAddress): Promise<StageManifest | undefined> {
    const names = (await this.store.list(this.folder(address))).filter((name) => /^manifest-v\d+\.json$/.test(name));
    const newest = names.sort((a, b) => Number(a.match(/\d+/)?.[0]) - Number(b.match(/\d+/)?.[0])).at(-1);
    return newest === undefined ? undefined : await this.readManifest(address, newest);
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

  /** The losses on conversations that were kept back; empty for outputs without any. */
  async readLosses(manifest: StageManifest): Promise<HeldOutLossRow[]> {
    if (manifest.losses === undefined) return [];
    return await decodeParquet(heldOutLossTable.schema, await this.readChecked(manifest, manifest.losses), heldOutLossTable.optional);
  }

  /**
   * Every call that was ever stored for an output, whatever became of its manifest: a file of calls is named after its
   * content, so that it can be told by itself whether it is whole. Damaged ones are named and left out.
   */
  async storedCalls(address: StageAddress): Promise<{ readonly calls: readonly CallRecord[]; readonly damaged: readonly string[] }> {
    const calls: CallRecord[] = [];
    const damaged: string[] = [];
    for (const name of await this.store.list(this.folder(address))) {
      const hash = /^calls-([0-9a-f]+)\.parquet$/.exec(name)?.[1];
      if (hash === undefined) continue;
      const path = `${this.folder(address)}/${name}`;
      const data = await this.store.read(path);
      if (data === undefined || !sha256(data).startsWith(hash)) damaged.push(this.store.location(path));
      else for (const call of await decodeParquet(callTable.schema, data, callTable.optional)) calls.push(call);
    }
    return { calls, damaged };
  }

  /**
   * Stores an output. When another attempt from the same inputs was first, its output stays and its manifest is returned.
   * @throws InputLostError when an input is not there any more
   */
  async commit<Row extends object>(
    address: StageAddress,
    rowsVersion: number,
    table: Table<Row>,
    output: StageOutput<Row>,
  ): Promise<StageManifest> {
    const inputs = await Promise.all(
      output.inputs.map(async (input) => {
        const hash = await this.contentHash(input);
        if (hash === undefined) throw new InputLostError(`input ${this.folder(input)} vanished while ${this.folder(address)} was made`);
        return { address: input, sha256: hash };
      }),
    );
    const content: Omit<StageManifest, 'checksum'> = {
      ...address,
      rowsVersion,
      rows: await this.writeTable(address, 'rows', table, output.rows),
      failures: await this.writeTable(address, 'failures', failureTable, output.failures),
      ...(output.calls === undefined ? {} : { calls: await this.writeTable(address, 'calls', callTable, output.calls) }),
      ...(output.losses === undefined ? {} : { losses: await this.writeTable(address, 'losses', heldOutLossTable, output.losses) }),
      ...(output.files === undefined ? {} : { files: output.files }),
      stats: output.stats,
      ...(output.detail === undefined ? {} : { detail: output.detail }),
      inputs,
      createdAt: new Date().toISOString(),
    };
    const manifest = sealed(content);
    const path = `${this.folder(address)}/${manifestName(rowsVersion)}`;
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    if (await this.store.create(path, text)) return manifest;
    const winner = await this.find(address, rowsVersion);
    if (winner !== undefined && canonicalJson(winner.inputs) === canonicalJson(inputs)) return winner;
    await this.store.write(path, text); // the one in place was made from inputs that have changed
    return manifest;
  }

  /**
   * Takes the manifest of a damaged output out of the way, so that the output is made anew, and notes it for the report.
   * Its files stay for whoever wants to know what happened. Nothing happens when somebody else has done so.
   */
  async setAside({ damage, message }: CorruptArtifactError): Promise<void> {
    const { address, manifest, checksum, file } = damage;
    const path = `${this.folder(address)}/${manifest}`;
    const data = await this.store.read(path);
    if (data === undefined || parseManifest(data)?.checksum !== checksum) return; // made anew meanwhile
    const hash = sha256(data).slice(0, 12);
    await this.store.write(`${this.folder(address)}/${manifest.replace(/\.json$/, '')}.corrupt-${hash}.json`, data);
    const note: DamageNote = { address, file, message, at: new Date().toISOString() };
    await this.store.write(`damage/${address.stage}-${address.key}-${address.part}-${hash}.json`, `${JSON.stringify(note, null, 2)}\n`);
    await this.store.remove(path);
  }

  /** Outputs that were set aside, ever, in this store. */
  async damageNotes(): Promise<DamageNote[]> {
    const names = await this.store.list('damage');
    const notes = await Promise.all(names.map(async (name) => await this.store.read(`damage/${name}`)));
    return notes.flatMap((data) => (data === undefined ? [] : [JSON.parse(data.toString('utf8')) as DamageNote]));
  }

  private async readManifest(address: StageAddress, name: string): Promise<StageManifest | undefined> {
    const file = `${this.folder(address)}/${name}`;
    const data = await this.store.read(file);
    if (data === undefined) return undefined;
    const manifest = parseManifest(data);
    if (manifest !== undefined) return manifest;
    throw new CorruptArtifactError(`the manifest ${this.store.location(file)} is damaged: its checksum does not match; ${WAY_OUT}`, {
      address,
      manifest: name,
      file,
    });
  }

  private async contentHash(address: StageAddress): Promise<string | undefined> {
    return (await this.latest(address))?.rows.sha256;
  }

  private async writeTable<Row extends object>(
    address: StageAddress,
    name: string,
    table: Table<Row>,
    rows: readonly Row[],
  ): Promise<StoredFile> {
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
    throw damagedFile(
      manifest,
      path,
      `${this.store.location(path)} is ${data === undefined ? 'missing' : 'damaged: its checksum does not match its manifest'}`,
    );
  }
}

/** An output that was found damaged. */
export interface DamageNote {
  readonly address: StageAddress;
  /** Path in the store. */
  readonly file: string;
  readonly message: string;
  readonly at: string;
}

const WAY_OUT = 'start the run again: what is damaged is made anew';

/** The error for a file of an output that is not what its manifest says. */
export function damagedFile({ stage, key, part, rowsVersion, checksum }: StageManifest, file: string, what: string): CorruptArtifactError {
  return new CorruptArtifactError(`${what}; ${WAY_OUT}`, {
    address: { stage, key, part },
    manifest: manifestName(rowsVersion),
    checksum,
    file,
  });
}
