import { markdownFence, markdownInline, markdownParagraph } from '../../../report/render/markdown-text';

test.each([
  ['a link', '[x](http://evil.example)', '\\[x\\](http\\://evil.example)'],
  ['an image', '![x](y)', '!\\[x\\](y)'],
  ['HTML', '<script>&', '&lt;script&gt;&amp;'],
  ['a cell border', 'a|b', 'a\\|b'],
  ['emphasis and code', '*a* _b_ `c` ~d~', '\\*a\\* \\_b\\_ \\`c\\` \\~d\\~'],
  ['a backslash', '\\', '\\\\'],
  ['a bare address', 'www.evil.example', 'www\\.evil.example'],
  ['a mention', '@everyone', '\\@everyone'],
  ['line feeds', 'a\n\n# b', 'a # b'],
] as const)('%s is plain text within a line', (_, text, shown) => {
  expect(markdownInline(text)).toBe(shown);
});

test.each([
  ['# a', '\\# a'],
  ['> a', '&gt; a'],
  ['- a', '\\- a'],
  ['1. a', '1\\. a'],
  ['12) a', '12\\) a'],
  ['+ a', '\\+ a'],
])('a paragraph %p begins no block', (text, shown) => {
  expect(markdownParagraph(text)).toBe(shown);
});

test('a fence is longer than any run of backticks in its text', () => {
  expect(markdownFence('a\n````\nb')).toBe('`````text\na\n````\nb\n`````');
  expect(markdownFence('plain')).toBe('```text\nplain\n```');
});
