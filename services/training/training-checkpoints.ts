import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../method/canonical-json';
import { sha256 } from '../../stages/sha256';
import { exists, replaceFile, syncFolder, type ArtifactStore } from '../store/artifact-store';
import { fileSha256 } from '../store/file-hash';
import { fileSystemError } from '../store/storage-errors';
import type { Workspace } from '../store/workspace';

/** The file that makes a trainer's checkpoint complete; see python/rehearse_ml/checkpoints.py. */
export const COMPLETE_MARKER = 'rehearse-complete.json';
/** What the trainer's work folder belongs to; see python/rehearse_ml/job.py. */
const IDENTITY_FILE = 'spec.json';
const RESULT_FILE = 'result.json';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const markerSchema = z.looseObject({ step: z.int().positive(), sha256: z.record(z.string().min(1), hex) });

/** Written last; a stored checkpoint exists when this does. */
const manifestSchema = z.object({
  step: z.int().positive(),
  /** SHA-256 by path below the checkpoint's folder. Files are stored under their hashes. */
  files: z.record(z.string().min(1), hex),
  /** What the training was of, as the trainer wrote it. */
  identity: z.string(),
  /** Over all the rest, as canonical JSON. */
  checksum: hex,
});

type Manifest = z.output<typeof manifestSchema>;

/** Where it is told what became of checkpoints. */
export interface CheckpointLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface TrainingPlaces {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly log: CheckpointLog;
}

/**
 * The newest checkpoint of a training that is not done, in the store: for the machine that goes on with it when the one that
 * wrote it is gone. On a machine they lie in `job/checkpoints`, where the trainer looks for them.
 */
export class TrainingCheckpoints {
  private readonly uploaded = new Set<string>();
  private readonly folder: string;

  /** @param output the training's folder in the store */
  constructor(
    private readonly places: TrainingPlaces,
    private readonly output: string,
  ) {
    this.folder = `${output}/checkpoints`;
  }

  /**
   * Stores a complete checkpoint; the ones of earlier steps are removed after it. What was uploaded before a failure is not
   * uploaded again.
   * @param checkpoint folder of this machine
   * @param stop aborted to leave it after the file at hand, without a trace that counts
   * @throws StorageUnavailableError; the reason of `stop`
   */
  async put(checkpoint: string, stop: AbortSignal): Promise<void> {
    const { store } = this.places;
    const { step, sha256: files } = markerSchema.parse(JSON.parse(await readFile(join(checkpoint, COMPLETE_MARKER), 'utf8')));
    const content = { step, files, identity: await readFile(this.local(IDENTITY_FILE), 'utf8') };
    // Named after its content: two machines that train on beside each other for a while do not mix their files.
    const name = `step-${String(step).padStart(8, '0')}-${sha256(canonicalJson(files)).slice(0, 12)}`;
    for (const [file, hash] of Object.entries(files)) {
      stop.throwIfAborted();
      const path = `${this.folder}/${name}/${hash}`;
      if (this.uploaded.has(path)) continue;
      await store.upload(path, join(checkpoint, file));
      this.uploaded.add(path);
    }
    stop.throwIfAborted();
    await store.write(`${this.folder}/${name}.json`, `${JSON.stringify({ ...content, checksum: checksumOf(content) })}\n`);
    const older = (await store.list(this.folder)).filter((each) => stepOf(each) < step);
    for (const each of older.sort(manifestsFirst)) await store.remove(`${this.folder}/${each}`);
    this.uploaded.clear();
  }

  /**
   * Brings the newest stored checkpoint to this machine, unless it has one as new, or the result. One that is not what was
   * stored is removed, with a word in the log, and the one before is taken.
   * @returns its step; undefined when there is nothing to bring
   * @throws StorageUnavailableError
   */
  async fetchNewer(): Promise<number | undefined> {
    const { store, log } = this.places;
    if (await exists(this.local(RESULT_FILE))) return undefined;
    const here = await this.newestHere();
    const names = (await store.list(this.folder)).filter((name) => name.endsWith('.json') && stepOf(name) > here);
    for (const name of names.sort((a, b) => stepOf(b) - stepOf(a))) {
      const found = await this.fetch(name);
      if (typeof found === 'number') {
        log.info({ step: found }, `the training goes on from its stored checkpoint ${store.location(`${this.folder}/${name}`)}`);
        return found;
      }
      log.warn(
        { step: stepOf(name) },
        `the stored checkpoint ${store.location(`${this.folder}/${name}`)} is not taken: ${found.problem}; going on from the one before, or the beginning`,
      );
      if (!found.whole) for (const each of [name, name.replace(/\.json$/, '')]) await store.remove(`${this.folder}/${each}`);
    }
    return undefined;
  }

  /** Removes all that is stored: the training is done. */
  async clear(): Promise<void> {
    await this.places.store.remove(this.folder);
  }

  /** Returns the step, or what is wrong and whether the stored files are whole. */
  private async fetch(name: string): Promise<number | { readonly problem: string; readonly whole: boolean }> {
    const { store } = this.places;
    const manifest = parseManifest(await store.read(`${this.folder}/${name}`));
    if (manifest === undefined) return { problem: 'its manifest is damaged', whole: false };
    const { step, files, identity } = manifest;
    if (!(await this.isOfThis(identity))) {
      return { problem: 'it is of a training with other weights or settings than the work folder of this machine', whole: true };
    }

    // A name that the trainer does not take for a checkpoint; what a killed attempt has brought is used.
    const arriving = this.local(`checkpoints/arriving-${name.replace(/\.json$/, '')}`);
    for (const [file, hash] of Object.entries(files)) {
      const target = resolve(arriving, file);
      if (!target.startsWith(arriving + sep)) return { problem: `its manifest names a file outside of it: ${file}`, whole: false };
      const isWhole = async (): Promise<boolean> => (await exists(target)) && (await fileSha256(target)) === hash;
      if (await isWhole()) continue;
      const stored = `${this.folder}/${name.replace(/\.json$/, '')}/${hash}`;
      if ((await store.download(stored, target)) && (await isWhole())) continue;
      await rm(arriving, { recursive: true, force: true });
      return { problem: `${file} is missing or damaged: its checksum does not match`, whole: false };
    }
    await this.publish(arriving, { step, files, identity });
    return step;
  }

  /** Makes a checkpoint that has arrived one that the trainer takes. */
  private async publish(arriving: string, { step, files, identity }: Omit<Manifest, 'checksum'>): Promise<void> {
    const place = this.local(`checkpoints/checkpoint-${step}`);
    try {
      await rm(place, { recursive: true, force: true }); // a torn one: a whole one would have been taken
      await mkdir(arriving, { recursive: true });
      await replaceFile(
        join(arriving, COMPLETE_MARKER),
        async (temporary) => await writeFile(temporary, `${JSON.stringify({ step, sha256: files })}\n`, { flush: true }),
      );
      if (!(await exists(this.local(IDENTITY_FILE)))) {
        await replaceFile(this.local(IDENTITY_FILE), async (temporary) => await writeFile(temporary, identity, { flush: true }));
      }
      await rename(arriving, place);
      await syncFolder(dirname(place));
    } catch (error) {
      throw fileSystemError(error, { doing: 'written', path: place });
    }
  }

  /** The trainer refuses to go on in a folder that belongs to another training. */
  private async isOfThis(identity: string): Promise<boolean> {
    const own = this.local(IDENTITY_FILE);
    return !(await exists(own)) || canonicalJson(JSON.parse(await readFile(own, 'utf8'))) === canonicalJson(JSON.parse(identity));
  }

  /** Step of the newest complete checkpoint on this machine, 0 without one. */
  private async newestHere(): Promise<number> {
    const folder = this.local('checkpoints');
    const names = (await exists(folder)) ? await readdir(folder) : [];
    const steps = await Promise.all(
      names.map(async (name) => {
        const step = Number(/^checkpoint-(\d+)$/.exec(name)?.[1] ?? 0);
        return (await exists(join(folder, name, COMPLETE_MARKER))) ? step : 0;
      }),
    );
    return Math.max(0, ...steps);
  }

  private local(path: string): string {
    return this.places.workspace.path(`${this.output}/job/${path}`);
  }
}

function parseManifest(data: Buffer | undefined): Manifest | undefined {
  if (data === undefined) return undefined;
  try {
    const { checksum, ...content } = manifestSchema.parse(JSON.parse(data.toString('utf8')));
    return checksum === checksumOf(content) ? { ...content, checksum } : undefined;
  } catch {
    return undefined; // no JSON, or another shape
  }
}

function checksumOf(content: Omit<Manifest, 'checksum'>): string {
  return sha256(canonicalJson(content));
}

function stepOf(name: string): number {
  return Number(/^step-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
}

function manifestsFirst(a: string, b: string): number {
  return Number(b.endsWith('.json')) - Number(a.endsWith('.json'));
}
