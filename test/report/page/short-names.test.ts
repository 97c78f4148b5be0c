import { shortNames } from '../../../report/page/short-names';

test.each([
  [
    ['smollm2-precise', 'smollm2-creative'],
    ['precise', 'creative'],
  ],
  [
    ['llama-3-70b', 'gpt-4', 'qwen2-72b'],
    ['llama-3-70b', 'gpt-4', 'qwen2-72b'],
  ],
  [
    ['qwen2-7b', 'qwen2.5-7b'],
    ['qwen2-7b', 'qwen2.5-7b'],
  ],
  [
    ['a-b', 'a-b-c'],
    ['b', 'b-c'],
  ],
  [
    ['a-', 'a-b'],
    ['a-', 'a-b'],
  ],
  [['one-model'], ['one-model']],
  [
    ['same-a', 'same-a'],
    ['same-a', 'same-a'],
  ],
  [[], []],
])('%j is shown as %j', (names, shown) => {
  expect(names.map(shortNames(names))).toEqual(shown);
});

test('a name that is not among those shortened stays whole', () => {
  expect(shortNames(['m-a', 'm-b'])('m-other')).toBe('m-other');
});
