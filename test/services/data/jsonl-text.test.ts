import fc from 'fast-check';
import { jsonChunks, jsonLine } from '../../../services/data/jsonl-text';

// oxlint-disable-next-line no-control-regex -- these are what must not come out
const OBEYED_BY_TERMINALS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe('jsonLine', () => {
  it('gives back what went in, and holds nothing that a terminal would obey', () => {
    fc.assert(
      fc.property(fc.record({ id: fc.string(), text: fc.string({ unit: 'binary' }), score: fc.option(fc.integer()) }), (row) => {
        const line = jsonLine(row);
        expect(JSON.parse(line)).toEqual(row);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line).not.toMatch(OBEYED_BY_TERMINALS);
      }),
    );
  });

  it('escapes terminal commands and marks that reorder text', () => {
    expect(jsonLine({ text: '\u001b[2J\u009b31m\u202egnp.exe' })).toBe('{"text":"\\u001b[2J\\u009b31m\\u202egnp.exe"}\n');
  });
});

describe('jsonChunks', () => {
  async function* parts(counts: readonly number[]): AsyncGenerator<{ n: number }[]> {
    let n = 0;
    for (const count of counts) yield Array.from({ length: count }, () => ({ n: n++ }));
  }

  it('holds every row once, in order, whatever the parts', async () => {
    let told = 0;
    let text = '';
    for await (const chunk of jsonChunks(parts([0, 1, 20_000, 0, 3]), (count) => (told += count))) text += chunk;
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { n: number }).n),
    ).toEqual(Array.from({ length: 20_004 }, (_, n) => n));
    expect(told).toBe(20_004);
  });

  it('gives no chunk when there are no rows', async () => {
    const chunks: string[] = [];
    for await (const chunk of jsonChunks(parts([0, 0]))) chunks.push(chunk);
    expect(chunks).toEqual([]);
  });
});
