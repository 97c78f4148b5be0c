import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Usage } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';
import { readLines, type JournalEntry } from './journal-lines';

/** What is known of the calls of an output in the making. */
export interface KnownCalls {
  all(): Iterable<CallRecord>;
  /** Further records of calls that are known. */
  readonly duplicates: readonly CallRecord[];
  /** The worst case of calls whose end is not known. */
  readonly unsettled: readonly Usage[];
}

/** What the segments of a journal say. */
export class JournalContents implements KnownCalls {
  readonly duplicates: CallRecord[] = [];
  damagedLines = 0;
  private readonly records = new Map<string, CallRecord>();
  private readonly reserved = new Map<string, Usage>();
  private readonly settled = new Set<string>();

  /**
   * Reads all segments in a folder. A torn last line is ignored.
   * @param held lines that could not be written; those that were after all are taken out
   */
  static async read(folder: string, held: Set<string> = new Set()): Promise<JournalContents> {
    const contents = new JournalContents();
    for (const name of (await readdir(folder)).filter((entry) => entry.endsWith('.jsonl')).sort()) {
      const segment = await readFile(join(folder, name), 'utf8');
      // A write that failed may have kept some of its lines.
      for (const line of [...held]) if (segment.includes(line)) held.delete(line);
      for (const entry of readLines(segment)) {
        if (entry === undefined) contents.damagedLines++;
        else contents.add(entry);
      }
    }
    return contents;
  }

  get unsettled(): Usage[] {
    return [...this.reserved].filter(([id]) => !this.settled.has(id)).map(([, bound]) => bound);
  }

  all(): IterableIterator<CallRecord> {
    return this.records.values();
  }

  /** The stored call, if this very request was made for this item before. @param request its hash */
  find(item: string, call: number, request: string): CallRecord | undefined {
    return this.records.get(keyOf({ item, call, request }));
  }

  add(entry: JournalEntry): void {
    if ('reserve' in entry) this.reserved.set(entry.reserve, entry.bound);
    else if ('release' in entry) this.settled.add(entry.release);
    else if ('record' in entry) {
      if (entry.reservation !== undefined) this.settled.add(entry.reservation);
      const other = this.keep(entry.record);
      if (other !== undefined) this.duplicates.push(other);
    }
  }

  /**
   * Keeps the first record of a call, but prefers a reply to a refusal: the call was made again after the endpoint was repaired.
   * @returns of two records of a call the one that is not kept
   */
  keep(record: CallRecord): CallRecord | undefined {
    const known = this.records.get(keyOf(record));
    if (known !== undefined && (known.error === undefined || record.error !== undefined)) return record;
    this.records.set(keyOf(record), record);
    return known;
  }
}

function keyOf(record: Pick<CallRecord, 'item' | 'call' | 'request'>): string {
  return `${record.item}\n${record.call}\n${record.request}`;
}
