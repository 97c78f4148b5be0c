import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { clip, formatBar, formatTable, oneLine, plainText, printJson } from '../../../cli/terminal/output';

describe('plainText', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['a cleared screen', 'before\u001b[2J\u001b[Hafter', 'beforeafter'],
    ['a window title', '\u001b]0;owned\u0007text', 'text'],
    ['a link', '\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007', 'click'],
    ['a one-byte control sequence', '\u009b31mred', 'red'],
    ['a lone escape', 'a\u001bb', 'ab'],
    ['backspaces that hide what was written', 'rm -rf /\b\b\b\b\b\b\b\bls', 'rm -rf /ls'],
    ['a carriage return that overwrites the line', 'safe\rrm', 'safe\nrm'],
    ['Windows line ends', 'a\r\nb', 'a\nb'],
    ['reordering marks', 'user\u202egnp.exe\u2066x', 'usergnp.exex'],
    ['line separators', 'a\u2028b\u2029c', 'a\nb\nc'],
    ['NUL and bell', 'a\u0000\u0007b', 'ab'],
    ['tabs and line feeds, which stay', 'a\tb\nc', 'a\tb\nc'],
    ['other scripts and emoji, which stay', 'né 漢字 שלום 👩‍🔬', 'né 漢字 שלום 👩‍🔬'],
  ];
  it.each(cases)('handles %s', (_name, dirty, clean) => {
    expect(plainText(dirty)).toBe(clean);
  });

  it('leaves nothing that a terminal would obey, whatever comes in', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u001b', '\u001b[', '\u001b]', '\u009b', '\u0007', '31m', '\u001b\u001b[0m', '\u202e'),
    );
    fc.assert(
      fc.property(
        fc.array(pieces).map((parts) => parts.join('')),
        (dirty) => {
          // oxlint-disable-next-line no-control-regex -- these are what must not come out
          expect(plainText(dirty)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('oneLine and clip', () => {
  it('put a text on one line', () => {
    expect(oneLine('  two\n\nlines\t and\u001b[1m a tab ')).toBe('two lines and a tab');
  });

  it('cut by whole characters, and say so', () => {
    expect(clip('👍👍👍👍', 3)).toBe('👍👍…');
    expect(clip('abc', 3)).toBe('abc');
    expect(oneLine('abcdef', 4)).toBe('abc…');
  });
});

describe('formatBar', () => {
  it.each([
    [0, '░░░░'],
    [0.24, '░░░░'],
    [0.5, '██░░'],
    [0.999, '███░'],
    [1, '████'],
    [7, '████'],
    [-1, '░░░░'],
    [Number.NaN, '░░░░'],
  ])('fills a bar to %d as %s', (fraction, bar) => {
    expect(formatBar(fraction, 4)).toBe(bar);
  });
});

describe('formatTable and printJson', () => {
  it('align columns, take terminal commands out of cells, and end no line with blanks', () => {
    const table = formatTable(
      [{ name: 'NAME' }, { name: 'DONE', align: 'right' }, { name: 'NOTE' }],
      [
        ['a\u001b[31m', '5', ''],
        ['longer', '1,234', 'x\ny'],
      ],
    );
    expect(table.split('\n')).toEqual(['NAME     DONE  NOTE', 'a           5', 'longer  1,234  x y']);
  });

  it('print JSON that reads back', async () => {
    const stream = new PassThrough();
    printJson({ a: [1, null] }, stream);
    stream.end();
    expect(JSON.parse(await text(stream))).toEqual({ a: [1, null] });
  });
});
