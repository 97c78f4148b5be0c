import { callLine, FIRST_LINE, readLines, reservationLine } from '../../../services/journal/journal-lines';
import type { CallRecord } from '../../../stages/call-record';

function judgment(item: string, text: string): CallRecord {
  const reply = JSON.stringify({ choices: [{ message: { content: text }, finish_reason: 'stop' }], usage: { prompt_tokens: 9 } });
  return { item, call: 0, request: 'r1', at: '2026-01-01T00:00:00.000Z', ms: 1.5, reply };
}

const CALLS = [judgment('a', 'Score: 2'), judgment('b', 'gut ✓ \u2028 \ufffd\nScore: 3'), judgment('c', 'Score: 5')];
const LINES = [
  FIRST_LINE,
  reservationLine({ reserve: 'r-0', bound: { promptTokens: 100, completionTokens: 64 } }),
  callLine(CALLS[0]!, 'r-0'),
  callLine(CALLS[1]!),
  reservationLine({ release: 'r-1' }),
  callLine(CALLS[2]!),
];
const SEGMENT = Buffer.from(LINES.join(''));

function read(segment: Buffer): ReturnType<typeof readLines> {
  return readLines(segment.toString('utf8'));
}

test('what was written is read', () => {
  expect(read(SEGMENT)).toEqual([
    { segment: 2 },
    { reserve: 'r-0', bound: { promptTokens: 100, completionTokens: 64 } },
    { record: CALLS[0], reservation: 'r-0' },
    { record: CALLS[1] },
    { release: 'r-1' },
    { record: CALLS[2] },
  ]);
});

test('whichever bit of a segment flips, no line is read as another than was written, and all lines that it did not touch are read', () => {
  const written = read(SEGMENT).map((entry) => JSON.stringify(entry));
  for (let bit = 0; bit < SEGMENT.length * 8; bit++) {
    const damaged = Buffer.from(SEGMENT);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const entries = read(damaged).filter((entry) => entry !== undefined);
    const others = entries.map((entry) => JSON.stringify(entry)).filter((entry) => !written.includes(entry));
    expect({ bit, others }).toEqual({ bit, others: [] });
    // A flipped line feed joins two lines, or makes the last one a torn one.
    expect(entries.length).toBeGreaterThanOrEqual(written.length - (SEGMENT[bit >> 3] === 0x0a ? 2 : 1));
  }
});

test('a line that lost its middle, and two halves of lines that were joined, are damaged', () => {
  const [first, second] = [LINES[2]!, LINES[3]!];
  const cut = `${first.slice(0, 40)}${first.slice(60)}`;
  const joined = `${first.slice(0, 50)}${second.slice(50)}`;
  expect(readLines(`${FIRST_LINE}${cut}${joined}${second}`)).toEqual([{ segment: 2 }, undefined, undefined, { record: CALLS[1] }]);
});

test('a line without a checksum, among lines that have one, is damaged', () => {
  const bare = `${LINES[3]!.replace(/,"crc32":"[0-9a-f]{8}"/, '')}`;
  expect(readLines(`${FIRST_LINE}${bare}`)).toEqual([{ segment: 2 }, undefined]);
});

test('a segment of an earlier release, without checksums, is read as it is', () => {
  const old = LINES.slice(1)
    .map((line) => line.replace(/,"crc32":"[0-9a-f]{8}"/, ''))
    .join('');
  expect(readLines(old)).toEqual(read(SEGMENT).slice(1));
});

test('a reply that looks like a checksum is a reply', () => {
  const tricky = { ...CALLS[0]!, reply: JSON.stringify({ text: ',"crc32":"00000000"}' }) };
  expect(readLines(`${FIRST_LINE}${callLine(tricky)}`)).toEqual([{ segment: 2 }, { record: tricky }]);
});
