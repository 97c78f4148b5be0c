import { canonicalJson } from '../../method/canonical-json';
import type { Failure } from '../../method/records';
import type { StageAddress } from '../../stages/address';
import { callTable, type CallRecord } from '../../stages/call-record';
import { heldOutLossTable, type HeldOutLossRow } from '../../stages/evaluate-loss';
import { failureTable } from '../../stages/failure-table';
import { sha256 } from '../../stages/sha256';
import type { Output, OutputRef } from '../../stages/stage';
import type { Table, TableSchema } from '../../stages/table';
import type { ArtifactStore } from './artifact-store';
import { decodeParquet, encodeParquet } from './parquet';
import { CorruptArtifactError, InputLostError } from './stage-errors';
import { manifestName, parseManifest, sealed, type StageManifest, type StoredFile, noCalls } from './stage-manifest';
import type { StoredOutput, OutputContent, MadeContent } from './stored-output';

export { CorruptArtifactError, InputLostError } from './stage-errors';
export { noCalls } from './stage-manifest';
export type { OutputFile, StageManifest, StageStats } from './stage-manifest';

/** Finished stage outputs: immutable Parquet files under the hash of what determines them. */
export class StageStore {
  constructor(private readonly store: ArtifactStore) {}

  folder({ stage, key, part }: StageAddress): string {
    return `stages/${stage}/${key}/${part}`;
  }

  /** A finished output, or undefined when it is missing or its inputs have changed since. @throws CorruptArtifactError */
  async find<Row extends object, Detail>(output: Output<Row, Detail>): Promise<StoredOutput<Row, Detail> | undefined> {
    const manifest = await this.findManifest(output);
    return manifest === undefined ? undefined : { stage: output.stage, manifest };
  }

  /** Manifest of a finished output, or undefined when it is missing or its inputs have changed since. @throws CorruptArtifactError */
  async findManifest({ stage, address }: OutputRef): Promise<StageManifest | undefined> {
    const manifest = await this.readManifest(address, manifestName(stage.rowsVersion));
    for (const input of manifest?.inputs ?? []) {
      if ((await this.contentHash(input.address)) !== input.sha256) return undefined;
    }
    return manifest;
  }

  /** The newest of an output, whatever version of the code made its rows. @throws CorruptArtifactError */
  async latest<Row extends object, Detail>(output: Output<Row, Detail>): Promise<StoredOutput<Row, Detail> | undefined> {
    const manifest = await this.latestManifest(output.address);
    return manifest === undefined ? undefined : { stage: output.stage, manifest };
  }

  /** The newest manifest of an output, whatever version of the code made its rows. @throws CorruptArtifactError */
  async latestManifest(address: StageAddress): Promise<StageManifest | undefined> {
    const names = (await this.store.list(this.folder(address))).filter((name) => /^manifest-v\d+\.json$/.test(name));
    const newest = names.sort((a, b) => Number(a.match(/\d+/)?.[0]) - Number(b.match(/\d+/)?.[0])).at(-1);
    return newest === undefined ? undefined : await this.readManifest(address, newest);
  }

  /** An output that an earlier stage made. @throws InputLostError when it is not there any more; CorruptArtifactError */
  async input<Row extends object, Detail>(output: Output<Row, Detail>): Promise<StoredOutput<Row, Detail>> {
    const found = await this.find(output);
    if (found !== undefined) return found;
    throw new InputLostError(`${this.folder(output.address)} is missing or its inputs have changed; start the run again to make it again`);
  }

  /** Rows of an output that an earlier stage made. @throws InputLostError when it is not there any more; CorruptArtifactError */
  async inputRows<Row extends object>(output: Output<Row>): Promise<Row[]> {
    return await this.readRows(await this.input(output));
  }

  /** Rows of a finished output. @throws CorruptArtifactError when the file's checksum does not match */
  async readRows<Row extends object>({ stage, manifest }: StoredOutput<Row>): Promise<Row[]> {
    const { schema, optional } = stage.table;
    return await decodeParquet(schema, await this.readChecked(manifest, manifest.rows), optional);
  }

  /** Looks at an output's rows and failures, without reading them. @throws CorruptArtifactError when a file's checksum does not match */
  async check(manifest: StageManifest): Promise<void> {
    for (const stored of [manifest.rows, manifest.failures, manifest.losses]) {
      if (stored !== undefined) await this.readChecked(manifest, stored);
    }
  }

  async readFailures(manifest: StageManifest): Promise<Failure[]> {
    if (manifest.failures.rows === 0) return [];
    return await decodeParquet(failureTable.schema, await this.readChecked(manifest, manifest.failures), failureTable.optional);
  }

  /** The raw calls of a finished output; empty for stages that call no model. */
  async readCalls(manifest: StageManifest): Promise<CallRecord[]> {
    if (manifest.calls === undefined) return [];
    return await decodeParquet(callTable.schema, await this.readChecked(manifest, manifest.calls), callTable.optional);
  }

  /** The losses on held-out conversations; empty for outputs without any. */
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
  async commit<Row extends object, Detail>(
    output: Output<Row, Detail>,
    content: OutputContent<Row, Detail>,
  ): Promise<StoredOutput<Row, Detail>> {
    const { stage, address } = output;
    const { rows, failures, calls, losses, files, stats, detail } = content;
    const inputs = await Promise.all(
      content.inputs.map(async (input) => {
        const hash = await this.contentHash(input.address);
        if (hash === undefined) {
          throw new InputLostError(`input ${this.folder(input.address)} vanished while ${this.folder(address)} was made`);
        }
        return { address: input.address, sha256: hash };
      }),
    );
    const manifest = sealed({
      ...address,
      rowsVersion: stage.rowsVersion,
      rows: await this.writeTable(address, 'rows', stage.table, rows),
      failures: await this.writeTable(address, 'failures', failureTable, failures),
      ...(calls === undefined ? {} : { calls: await this.writeTable(address, 'calls', callTable, calls) }),
      ...(losses === undefined ? {} : { losses: await this.writeTable(address, 'losses', heldOutLossTable, losses) }),
      ...(files === undefined ? {} : { files }),
      stats,
      ...(detail === undefined ? {} : { detail }),
      inputs,
      createdAt: new Date().toISOString(),
    });
    const path = `${this.folder(address)}/${manifestName(stage.rowsVersion)}`;
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    if (await this.store.create(path, text)) return { stage, manifest };
    const winner = await this.find(output);
    if (winner !== undefined && canonicalJson(winner.manifest.inputs) === canonicalJson(inputs)) return winner;
    await this.store.write(path, text); // the one in place was made from inputs that have changed
    return { stage, manifest };
  }

  /**
   * A finished output that calls no model, or the one that `make` makes.
   * @returns with `reused`, whether it was there already
   */
  async findOrMake<Row extends object, Detail>(
    output: Output<Row, Detail>,
    make: () => Promise<MadeContent<Row, Detail>>,
  ): Promise<StoredOutput<Row, Detail> & { readonly reused: boolean }> {
    const finished = await this.find(output);
    if (finished !== undefined) return { ...finished, reused: true };
    const startedAt = new Date().toISOString();
    const content = await make();
    return { ...(await this.commit(output, { failures: [], ...content, stats: noCalls(startedAt) })), reused: false };
  }

  /**
   * Takes the manifest of a damaged output out of the way, so that the output is made again, and notes it for the report.
   * Its files stay for whoever wants to know what happened. Nothing happens when somebody else has done so.
   */
  async setAside({ damage, message }: CorruptArtifactError): Promise<void> {
    const { address, manifest, checksum, file } = damage;
    const path = `${this.folder(address)}/${manifest}`;
    const data = await this.store.read(path);
    if (data === undefined || parseManifest(data)?.checksum !== checksum) return; // made again meanwhile
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
    return (await this.latestManifest(address))?.rows.sha256;
  }

  private async writeTable<Row extends object>(
    address: StageAddress,
    name: string,
    table: Table<Row>,
    rows: readonly Row[],
  ): Promise<StoredFile> {
    const data = await encodeParquet(usedColumns(table, rows), rows);
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

/** The columns of a file of these rows. */
function usedColumns<Row extends object>({ schema, whereUsed = [] }: Table<Row>, rows: readonly Row[]): TableSchema<Row> {
  const unused = whereUsed.filter((name) => rows.every((row) => row[name] === undefined));
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !unused.some((each) => each === name))) as TableSchema<Row>;
}

const WAY_OUT = 'start the run again: what is damaged is made again';

/** The error for a file of an output that is not what its manifest says. */
export function damagedFile({ stage, key, part, rowsVersion, checksum }: StageManifest, file: string, what: string): CorruptArtifactError {
  return new CorruptArtifactError(`${what}; ${WAY_OUT}`, {
    address: { stage, key, part },
    manifest: manifestName(rowsVersion),
    checksum,
    file,
  });
}
