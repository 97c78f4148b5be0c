import { visibleText } from '../../../report/render/visible-text';

test.each([
  ['an ANSI escape', 'a\u001b[31mred', 'a␛[31mred'],
  ['a backspace', 'ab\b', 'ab␈'],
  ['a lone carriage return', 'safe\rgone', 'safe␍gone'],
  ['CRLF as a line feed', 'a\r\nb', 'a\nb'],
  ['DEL and a C1 control', '\u007f\u009b', '␡⟨U+009B⟩'],
  ['a right-to-left override', 'exe\u202etxt', 'exe⟨U+202E⟩txt'],
  ['an isolate', '\u2067x\u2069', '⟨U+2067⟩x⟨U+2069⟩'],
  ['a zero-width space', 'a\u200bb', 'a⟨U+200B⟩b'],
  ['tag characters that smuggle text', 'a\u{e0041}', 'a⟨U+E0041⟩'],
  ['half of a surrogate pair', 'a\ud83d', 'a\ufffd'],
] as const)('%s is made visible', (_, text, shown) => {
  expect(visibleText(text)).toBe(shown);
});

test('ordinary text stays as it is: tabs, line feeds, accents, other scripts and joined emoji', () => {
  const text = 'é\t日本\nשלום 👩‍👩‍👧 <b>&amp;';
  expect(visibleText(text)).toBe(text);
});
