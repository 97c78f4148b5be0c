import { nearestTexts, termsOf, termWeights } from '../../../method/topics/term-weights';
import { topicTerms } from '../../../method/topics/topic-terms';

const words = (text: string): string[] => text.split(' ');

test('terms are words of any script, folded; numbers and single letters are none', () => {
  expect(termsOf('Bake 2 LOAVES of Brötchen, a day!')).toEqual(['bake', 'loaves', 'of', 'brötchen', 'day']);
  expect(termsOf('我喜欢面包')).toEqual(expect.arrayContaining(['喜欢', '面包']));
});

test('vectors have length 1, weigh rare terms more, and leave out what stands in one text or in most', () => {
  const [first, , , last] = termWeights([
    words('the bread oven'),
    words('the bread rye'),
    words('the tide moon'),
    words('the tide bread moon sun'),
  ]);
  expect([...first!.keys()]).toEqual([]); // "the" and "bread" stand in most, "oven" in one
  expect([...last!.keys()]).toEqual(['tide', 'moon']);
  expect(Math.hypot(...last!.values())).toBeCloseTo(1, 12);
});

test('the nearest texts are those that share telling words; the text itself is the first', () => {
  const vectors = termWeights(['bread oven', 'bread oven flour', 'tide moon', 'tide moon sea', 'flour oven', 'sea moon'].map(words));
  const [bread] = nearestTexts(vectors, 3);
  expect(bread!.indices[0]).toBe(0);
  expect(new Set(bread!.indices)).toEqual(new Set([0, 1, 4]));
  expect(bread!.distances[0]).toBe(0);
  expect(bread!.distances[1]).toBeLessThan(bread!.distances[2]! + 1e-12);
});

test('topics are named by what tells them from the rest, in whatever language, and not by words that are everywhere', () => {
  const texts = [
    'le pain et le four',
    'le pain et la farine',
    'la marée et la lune',
    'la lune et la mer',
    'le pain et le seigle',
    'la lune et la marée',
  ].map(words);
  expect(topicTerms(texts, [0, 0, 1, 1, 0, 1], 2)).toEqual([
    ['le', 'pain'],
    ['lune', 'marée'],
  ]);
  expect(topicTerms(texts, [0, 0, 1, 1, 0, 1], 5).flat()).not.toContain('et');
});

test('a group whose texts share nothing has no name, and no texts make no groups', () => {
  expect(topicTerms([words('a b'), words('c d')], [0, 0], 3)).toEqual([[]]);
  expect(topicTerms([], [], 3)).toEqual([]);
});
