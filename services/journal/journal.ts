import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Usage } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';
import { makeFolder, syncFolder } from '../store/artifact-store';
import { fileSystemError, StorageUnavailableError } from '../store/storage-errors';
import { Sleepers } from '../timing/sleep';
import { JournalSupersededError, JournalTurn } from './journal-turn';

/** A line that records that a call is about to be sent, or that it was not billed after all. */
type ReservationLine = { readonly reserve: string; readonly bound: Usage } | { readonly release: string };

/** All fields that a line may hold; the reply is nested as JSON. */
type JournalLine = Omit<CallRecord, 'reply'> & { reply: unknown; reservation: string; reserve: string; release: string; bound: Usage };

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
 * Append-only journal of a batch's calls, in a folder of segments. Each attempt writes a segment of its own, so that an attempt
 * that Temporal has given up on cannot corrupt the lines of its successor.
 *
 * Group commit: `append` returns once its line is on disk (a write with O_DSYNC); lines that arrive meanwhile, or within some
 * milliseconds of the last write, share the next write. What was acknowledged survives `kill -9`.
 */
export class Journal {
  private pending: Pending[] = [];
  private flushing: Promise<void> | undefined;
  private broken: Error | undefined;
  private lastCommitMs = Number.NEGATIVE_INFINITY;
  private readonly sleepers = new Sleepers();

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly turn: JournalTurn,
    private readonly records: Map<string, CallRecord>,
    /** Complete lines that could not be parsed: damage, not a torn last line. */
    readonly damagedLines: number,
    /** Further records of calls that are in `records`: of two attempts at once, or of calls made again once the endpoint was repaired. */
    readonly duplicates: readonly CallRecord[],
    /** The worst case of calls that were about to be sent, and whose end is not known. */
    readonly unsettled: readonly Usage[],
  ) {}

  /** Opens the journal in `folder` and reads what earlier attempts wrote. A torn last line of a segment is ignored. @throws StorageUnavailableError */
  static async open(folder: string): Promise<Journal> {
    try {
      return await Journal.openFolder(folder);
    } catch (error) {
      throw fileSystemError(error, { doing: 'written', path: folder });
    }
  }

  private static async openFolder(folder: string): Promise<Journal> {
    await makeFolder(folder);
    const turn = await JournalTurn.take(folder); // before reading; see JournalTurn
    const records = new Map<string, CallRecord>();
    const duplicates: CallRecord[] = [];
    const reserved = new Map<string, Usage>();
    const settled = new Set<string>();
    let damagedLines = 0;
    for (const name of (await readdir(folder)).filter((entry) => entry.endsWith('.jsonl')).sort()) {
      const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
      lines.pop(); // empty after a complete last line; torn otherwise
      for (const line of lines) {
        const entry = parseLine(line);
        if (entry === undefined) damagedLines++;
        else if ('reserve' in entry) reserved.set(entry.reserve, entry.bound);
        else if ('release' in entry) settled.add(entry.release);
        else {
          if (entry.reservation !== undefined) settled.add(entry.reservation);
          const other = keep(records, entry.record);
          if (other !== undefined) duplicates.push(other);
        }
      }
    }
    const segment = `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}.jsonl`;
    const file = await open(join(folder, segment), NEW_DURABLE_FILE);
    await syncFolder(folder);
    const unsettled = [...reserved].filter(([id]) => !settled.has(id)).map(([, bound]) => bound);
    return new Journal(folder, file, turn, records, damagedLines, duplicates, unsettled);
  }

  /** Adds records that are stored elsewhere (with a finished output whose rows are made again); they are not written. */
  preload(records: Iterable<CallRecord>): void {
    for (const record of records) keep(this.records, record);
  }

  /** The stored call, if this very request was made for this item before. @param request its hash */
  find(item: string, call: number, request: string): CallRecord | undefined {
    return this.records.get(keyOf({ item, call, request }));
  }

  /** All calls stored so far. */
  all(): IterableIterator<CallRecord> {
    return this.records.values();
  }

  /**
   * Writes one call; returns when it is on disk.
   * @param reservation id of the reservation that it settles
   * @throws StorageUnavailableError when it cannot be written, and on each call after that
   */
  async append(record: CallRecord, reservation?: string): Promise<void> {
    await this.write(lineOf(reservation === undefined ? record : { ...record, reservation }));
    keep(this.records, record);
  }

  /**
   * Writes that a call is about to be sent, which may cost up to `bound`; returns when it is on disk.
   * @throws JournalSupersededError when another attempt has opened the journal since: the call must not be sent
   */
  async reserve(id: string, bound: Usage): Promise<void> {
    await this.write(`${JSON.stringify({ reserve: id, bound } satisfies ReservationLine)}\n`, { inTurn: true });
  }

  /** Writes that a reserved call was not billed; returns when it is on disk. */
  async release(id: string): Promise<void> {
    await this.write(`${JSON.stringify({ release: id } satisfies ReservationLine)}\n`);
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

function keyOf(record: Pick<CallRecord, 'item' | 'call' | 'request'>): string {
  return `${record.item}\n${record.call}\n${record.request}`;
}

/**
 * Keeps the first record of a call, but prefers a reply to a refusal: the call was made again after the endpoint was repaired.
 * @returns of two records of a call the one that is not kept
 */
function keep(records: Map<string, CallRecord>, record: CallRecord): CallRecord | undefined {
  const known = records.get(keyOf(record));
  if (known !== undefined && (known.error === undefined || record.error !== undefined)) return record;
  records.set(keyOf(record), record);
  return known;
}

/** One line of JSON, with the reply nested as JSON: its text is inserted as it is, not parsed and serialized again. */
function lineOf({ reply, ...rest }: CallRecord & { readonly reservation?: string }): string {
  const head = JSON.stringify(rest);
  return reply === undefined
    ? `${head}\n`
    : `${head.slice(0, -1)},"reply":${/[\r\n]/.test(reply) ? JSON.stringify(JSON.parse(reply)) : reply}}\n`;
}

function parseLine(line: string): { readonly record: CallRecord; readonly reservation?: string } | ReservationLine | undefined {
  try {
    const { reply, reservation, reserve, release, bound, ...rest } = JSON.parse(line) as Partial<JournalLine>;
    if (typeof rest.item === 'string' && typeof rest.call === 'number' && typeof rest.request === 'string') {
      return {
        record: (reply === undefined ? rest : { ...rest, reply: JSON.stringify(reply) }) as CallRecord,
        ...(reservation === undefined ? {} : { reservation }),
      };
    }
    if (typeof release === 'string') return { release };
    return typeof reserve === 'string' && typeof bound?.promptTokens === 'number' && typeof bound.completionTokens === 'number'
      ? { reserve, bound }
      : undefined;
  } catch {
    return undefined;
  }
}
