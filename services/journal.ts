import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from './artifact-store';
import { fileSystemError, StorageUnavailableError } from './storage-errors';

/** One finished model call: what was asked (by hash) and what came back, before anything is parsed. */
export interface CallRecord {
  /** Item of the batch that the call is for. */
  readonly item: string;
  /** 0-based number of the call for this item. */
  readonly call: number;
  /** Hash of endpoint identity, path and body; another request is never answered by this record. */
  readonly request: string;
  /** ISO time at which the reply was complete. */
  readonly at: string;
  readonly ms: number;
  /** The endpoint's JSON body, as the text that came. */
  readonly reply?: string;
  /** A refusal of this one request (such as a context overflow), which is a result too. */
  readonly error?: CallError;
}

export interface CallError {
  readonly kind: string;
  readonly status?: number;
  /** The request's parameter that the endpoint complained of. */
  readonly param?: string;
  readonly message: string;
}

interface Pending {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Append-only journal of a batch's calls, in a folder of segments. Each opening writes a segment of its own, so that an
 * attempt that Temporal has given up on cannot tear the lines of its successor.
 *
 * Group commit: `append` returns once its line is on disk (write + fdatasync); lines that arrive meanwhile share the
 * next one. After `kill -9` nothing that was acknowledged is lost.
 */
export class Journal {
  private pending: Pending[] = [];
  private flushing: Promise<void> | undefined;
  private broken: Error | undefined;

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly records: Map<string, CallRecord>,
    /** Whole lines that could not be read back: damage, not a torn end. */
    readonly damagedLines: number,
  ) {}

  /** Opens the journal in `folder`, reading what earlier attempts wrote. A torn last line of a segment is left out. @throws StorageUnavailableError */
  static async open(folder: string): Promise<Journal> {
    try {
      return await Journal.openFolder(folder);
    } catch (error) {
      throw fileSystemError(error, { doing: 'written', path: folder });
    }
  }

  private static async openFolder(folder: string): Promise<Journal> {
    await makeFolder(folder);
    const records = new Map<string, CallRecord>();
    let damagedLines = 0;
    for (const name of (await readdir(folder)).filter((entry) => entry.endsWith('.jsonl')).sort()) {
      const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
      lines.pop(); // empty after a complete last line; torn otherwise
      for (const line of lines) {
        const record = parseRecord(line);
        if (record === undefined) damagedLines++;
        else keep(records, record);
      }
    }
    const segment = `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}.jsonl`;
    const file = await open(join(folder, segment), 'ax');
    await syncFolder(folder);
    return new Journal(folder, file, records, damagedLines);
  }

  /** Adds records that are stored elsewhere (a finished stage being read again); they are not written anew. */
  preload(records: Iterable<CallRecord>): void {
    for (const record of records) keep(this.records, record);
  }

  /** The stored call, if this very request was made for this item before. */
  find(item: string, call: number, request: string): CallRecord | undefined {
    return this.records.get(keyOf({ item, call, request }));
  }

  /** All calls stored so far. */
  all(): IterableIterator<CallRecord> {
    return this.records.values();
  }

  /** Writes one call; returns when it is on disk. @throws StorageUnavailableError when it cannot be written, and ever after */
  async append(record: CallRecord): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.pending.push({ line: lineOf(record), resolve, reject });
      this.flushing ??= this.flush();
    });
    keep(this.records, record);
  }

  private async flush(): Promise<void> {
    // One turn of the event loop lets calls that end together share a sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.pending.length > 0) {
      const batch = this.pending;
      this.pending = [];
      try {
        if (this.broken !== undefined) throw this.broken;
        await this.file.appendFile(batch.map((entry) => entry.line).join(''));
        await this.file.datasync();
        for (const entry of batch) entry.resolve();
      } catch (cause) {
        // What was written of a failed batch may end within a line, which would spoil the next one: write no more.
        this.broken ??= new StorageUnavailableError(
          `the journal in ${this.folder} cannot be written: ${(cause as Error).message}; free or mend the disk, the batch then goes on where it was`,
          { cause },
        );
        for (const entry of batch) entry.reject(this.broken);
      }
    }
    this.flushing = undefined;
  }

  /** Waits for what is being written and closes the file. */
  async close(): Promise<void> {
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

/** The first record of a call stays, but a reply beats a refusal: the call was made again after the endpoint was mended. */
function keep(records: Map<string, CallRecord>, record: CallRecord): void {
  const known = records.get(keyOf(record));
  if (known === undefined || (known.error !== undefined && record.error === undefined)) records.set(keyOf(record), record);
}

/** One line of JSON, with the reply in it as JSON: its text is put in as it is, not parsed and written again. */
function lineOf({ reply, ...rest }: CallRecord): string {
  const head = JSON.stringify(rest);
  return reply === undefined ? `${head}\n` : `${head.slice(0, -1)},"reply":${/[\r\n]/.test(reply) ? JSON.stringify(JSON.parse(reply)) : reply}}\n`;
}

function parseRecord(line: string): CallRecord | undefined {
  try {
    const { reply, ...rest } = JSON.parse(line) as Partial<CallRecord> & { readonly reply?: unknown };
    if (typeof rest.item !== 'string' || typeof rest.call !== 'number' || typeof rest.request !== 'string') return undefined;
    return (reply === undefined ? rest : { ...rest, reply: JSON.stringify(reply) }) as CallRecord;
  } catch {
    return undefined;
  }
}
