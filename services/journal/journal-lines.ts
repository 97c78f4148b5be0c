import { crc32 } from 'node:zlib';
import type { Usage } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';

/** A line that records that a call is about to be sent, or that it was not billed after all. */
export type ReservationLine = { readonly reserve: string; readonly bound: Usage } | { readonly release: string };

/** What a line says; the first of a segment says only that it is one. */
export type JournalEntry = { readonly record: CallRecord; readonly reservation?: string } | ReservationLine | { readonly segment: number };

/** All fields that a line may hold; the reply is nested as JSON. */
type JournalLine = Omit<CallRecord, 'reply'> & {
  reply: unknown;
  reservation: string;
  reserve: string;
  release: string;
  bound: Usage;
  segment: number;
};

const SEAL_FIELD = ',"crc32":"';
const SEAL_CHARACTERS = SEAL_FIELD.length + '00000000"}'.length;

/** The first line of a segment. It is written when the segment is opened, and so shows whether the disk takes lines. */
export const FIRST_LINE = sealed('{"segment":2}');

/** A call as a line: its reply is nested as JSON, inserted as it came, not parsed and serialized again. */
export function callLine(record: CallRecord, reservation?: string): string {
  const { reply, ...rest } = reservation === undefined ? record : { ...record, reservation };
  const head = JSON.stringify(rest);
  if (reply === undefined) return sealed(head);
  return sealed(`${head.slice(0, -1)},"reply":${/[\r\n]/.test(reply) ? JSON.stringify(JSON.parse(reply)) : reply}}`);
}

export function reservationLine(line: ReservationLine): string {
  return sealed(JSON.stringify(line));
}

/** One line of JSON that ends with a checksum of what is before it: CRC-32 finds every flipped bit, and any that lie close together. */
function sealed(json: string): string {
  return `${json.slice(0, -1)}${SEAL_FIELD}${checksum(json)}"}\n`;
}

/**
 * The lines of one segment; undefined for one that is damaged. The text after the last line feed is torn, and no line.
 * Segments of release 0.1.0 have no checksums: their lines are taken as far as they can be parsed. A segment in which any
 * line has one was written with them, and a line without is damaged.
 */
export function readLines(segment: string): (JournalEntry | undefined)[] {
  const lines = segment.split('\n');
  lines.pop(); // empty after a complete last line; torn otherwise
  const isSealed = lines.some((line) => sealOf(line) !== undefined);
  return lines.map((line) => (!isSealed || isWhole(line) ? parseLine(line) : undefined));
}

/** One line that {@link callLine} or {@link reservationLine} made. */
export function readLine(line: string): JournalEntry | undefined {
  return parseLine(line.trimEnd());
}

function isWhole(line: string): boolean {
  const seal = sealOf(line);
  return seal !== undefined && seal === checksum(`${line.slice(0, -SEAL_CHARACTERS)}}`);
}

function sealOf(line: string): string | undefined {
  const end = line.slice(-SEAL_CHARACTERS);
  return end.startsWith(SEAL_FIELD) && end.endsWith('"}') ? end.slice(SEAL_FIELD.length, -2) : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

function parseLine(line: string): JournalEntry | undefined {
  try {
    const {
      reply,
      reservation,
      reserve,
      release,
      bound,
      segment,
      crc32: _,
      ...rest
    } = JSON.parse(line) as Partial<JournalLine & { crc32: string }>;
    if (typeof rest.item === 'string' && typeof rest.call === 'number' && typeof rest.request === 'string') {
      return {
        record: (reply === undefined ? rest : { ...rest, reply: JSON.stringify(reply) }) as CallRecord,
        ...(reservation === undefined ? {} : { reservation }),
      };
    }
    if (typeof release === 'string') return { release };
    if (typeof segment === 'number') return { segment };
    return typeof reserve === 'string' && typeof bound?.promptTokens === 'number' && typeof bound.completionTokens === 'number'
      ? { reserve, bound }
      : undefined;
  } catch {
    return undefined;
  }
}
