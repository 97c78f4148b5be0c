import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Usage } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';
import { makeFolder, syncFolder } from '../store/artifact-store';
import { fileSystemError, StorageUnavailableError } from '../store/storage-errors';
import { Sleepers } from '../timing/sleep';
import { JournalContents } from './journal-contents';
import { callLine, FIRST_LINE, readLine, reservationLine } from './journal-lines';
import { JournalSupersededError, JournalTurn } from './journal-turn';
import { WriteGuard } from './write-guard';

/** For appending to a new file: with O_DSYNC a write returns when it is on disk, as one job of the thread pool instead of two (write and fdatasync). */
const NEW_DURABLE_FILE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC;

/**
 * Under load, writes begin this far apart. A write takes some 0.1 ms of CPU however few lines it has, and only the item itself
 * waits for its line: the permit at the endpoint goes to another call as soon as the reply is there.
 */
const COMMIT_EVERY_MS = 10;

interface Pending {
  readonly line: string;
  /** Fails when another attempt has opened the journal. */
  readonly inTurn: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Append-only journal of a batch's calls, in a folder of segments, with a checksum on each line. Each attempt writes a segment of
 * its own, so that an attempt that Temporal has given up on cannot corrupt the lines of its successor.
 *
 * Group commit: `append` returns once its line is on disk (a write with O_DSYNC); lines that arrive meanwhile, or within some
 * milliseconds of the last write, share the next write. What was acknowledged survives `kill -9`.
 */
export class Journal {
  private pending: Pending[] = [];
  private flushing: Promise<void> | undefined;
  private broken: StorageUnavailableError | undefined;
  private lastCommitMs = Number.NEGATIVE_INFINITY;
  private readonly sleepers = new Sleepers();

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly turn: JournalTurn,
    private readonly guard: WriteGuard,
    private readonly contents: JournalContents,
  ) {}

  /**
   * Opens the journal in `folder` and reads what earlier attempts wrote. A torn last line of a segment is ignored.
   * @param guard of the process
   * @throws StorageUnavailableError
   */
  static async open(folder: string, guard = new WriteGuard()): Promise<Journal> {
    try {
      return await Journal.openFolder(folder, guard);
    } catch (error) {
      throw fileSystemError(error, { doing: 'written', path: folder });
    }
  }

  private static async openFolder(folder: string, guard: WriteGuard): Promise<Journal> {
    await makeFolder(folder);
    await guard.probe(folder);
    const turn = await JournalTurn.take(folder); // before reading; see JournalTurn
    const held = new Set(guard.heldFor(folder));
    const contents = await JournalContents.read(folder, held);
    const file = await newSegment(folder, [FIRST_LINE, ...held]);
    for (const line of held) contents.add(readLine(line)!);
    guard.opened(folder);
    return new Journal(folder, file, turn, guard, contents);
  }

  /** Complete lines whose checksum is not theirs, or that could not be parsed: damage, not a torn last line. */
  get damagedLines(): number {
    return this.contents.damagedLines;
  }

  /** Further records of calls that are known: of two attempts at once, or of calls made again once the endpoint was repaired. */
  get duplicates(): readonly CallRecord[] {
    return this.contents.duplicates;
  }

  /** The worst case of calls that earlier attempts were about to send, and whose end is not known. */
  get unsettled(): readonly Usage[] {
    return this.contents.unsettled;
  }

  /** Adds records that are stored elsewhere (with a finished output whose rows are made again); they are not written. */
  preload(records: Iterable<CallRecord>): void {
    for (const record of records) this.contents.keep(record);
  }

  /** The stored call, if this very request was made for this item before. @param request its hash */
  find(item: string, call: number, request: string): CallRecord | undefined {
    return this.contents.find(item, call, request);
  }

  /** All calls stored so far. */
  all(): IterableIterator<CallRecord> {
    return this.contents.all();
  }

  /**
   * Writes one call; returns when it is on disk.
   * @param reservation id of the reservation that it settles
   * @throws StorageUnavailableError when it cannot be written, and on each call after that; the process then holds the line, see WriteGuard
   */
  async append(record: CallRecord, reservation?: string): Promise<void> {
    await this.write(callLine(record, reservation));
    this.contents.keep(record);
  }

  /**
   * Writes that a call is about to be sent, which may cost up to `bound`; returns when it is on disk.
   * @throws JournalSupersededError when another attempt has opened the journal since: the call must not be sent
   */
  async reserve(id: string, bound: Usage): Promise<void> {
    await this.write(reservationLine({ reserve: id, bound }), { inTurn: true });
  }

  /** Writes that a reserved call was not billed; returns when it is on disk. */
  async release(id: string): Promise<void> {
    await this.write(reservationLine({ release: id }));
  }

  /** To be asked before a call is sent. @throws StorageUnavailableError when a line, of this journal or another of the process, could not be kept */
  checkWritable(): void {
    this.guard.check();
  }

  private async write(line: string, { inTurn = false } = {}): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.pending.push({ line, inTurn, resolve, reject });
      this.flushing ??= this.flush();
      if (inTurn) this.sleepers.wake(); // a call that holds a permit waits for this line
    });
  }

  private async flush(): Promise<void> {
    // One turn of the event loop lets calls that end together share a write.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.pending.length > 0) {
      const waitMs = this.lastCommitMs + COMMIT_EVERY_MS - performance.now();
      if (waitMs > 0 && !this.pending.some(({ inTurn }) => inTurn)) await this.sleepers.sleep(waitMs);
      this.lastCommitMs = performance.now();
      const batch = this.pending;
      this.pending = [];
      try {
        if (this.broken !== undefined) throw this.broken;
        await this.file.appendFile(batch.map((entry) => entry.line).join(''));
        const over = batch.some(({ inTurn }) => inTurn) && (await this.turn.isOver());
        for (const entry of batch) {
          if (over && entry.inTurn) entry.reject(new JournalSupersededError(this.folder));
          else entry.resolve();
        }
      } catch (cause) {
        // A failed write may have ended within a line, which would corrupt the next one: write no more.
        this.broken ??= new StorageUnavailableError(
          `the journal in ${this.folder} cannot be written: ${(cause as Error).message}; free some space or repair the disk; the batch then continues where it stopped`,
          { cause },
        );
        // A call whose reservation failed is not sent; a reply that came is paid for.
        this.guard.failed(
          this.folder,
          batch.filter(({ inTurn }) => !inTurn).map(({ line }) => line),
          this.broken,
        );
        for (const entry of batch) entry.reject(this.broken);
      }
    }
    this.flushing = undefined;
  }

  /** Waits for what is being written and closes the file. */
  async close(): Promise<void> {
    this.sleepers.wake();
    await this.flushing;
    await this.file.close();
  }

  /** Removes the journal, once its calls are in an immutable file. */
  async drop(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A file of its own for the lines of this attempt. One that cannot even take its first lines is not left behind. */
async function newSegment(folder: string, lines: readonly string[]): Promise<FileHandle> {
  const path = join(folder, `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}.jsonl`);
  const file = await open(path, NEW_DURABLE_FILE);
  try {
    await file.appendFile(lines.join(''));
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  await syncFolder(folder);
  return file;
}
