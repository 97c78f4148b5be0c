import { linesOf } from '../../../services/data/lines';

async function read(...pieces: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(
    (async function* () {
      for (const piece of pieces) yield Buffer.from(piece);
    })(),
  )) {
    lines.push(line.toString());
  }
  return lines;
}

test('a large file of one line takes no longer than its length', async () => {
  const pieces = Array<string>(5_000).fill('x'.repeat(10_000));
  const [line, ...others] = await read(...pieces);
  expect([line?.length, others]).toEqual([50_000_000, []]);
});

test.each<[string, readonly string[], readonly string[]]>([
  ['ends of both kinds', ['a\nb\r\nc\n'], ['a', 'b', 'c']],
  ['an end that is cut in two', ['a\r', '\nb'], ['a', 'b']],
  ['a line in many pieces', ['a', 'b', 'c\nd'], ['abc', 'd']],
  ['empty lines', ['\n\na\n\n'], ['', '', 'a', '']],
  ['separators that JSON may hold', ['x\u2028y\u2029z\u0085\n', 'b'], ['x\u2028y\u2029z\u0085', 'b']],
  ['nothing', [], []],
])('lines: %s', async (_, pieces, lines) => {
  expect(await read(...pieces)).toEqual(lines);
});
