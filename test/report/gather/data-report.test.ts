import type { MixtureRow } from '../../../method/records';
import { reportTrainingData } from '../../../report/gather/data-report';
import { topicMap } from '../../../report/gather/topic-map';
import type { Block } from '../../../report/page/blocks';
import { dataSection } from '../../../report/page/sections/data-section';

const SUBJECTS = {
  bread: ['sourdough', 'flour', 'oven', 'crust', 'yeast', 'knead', 'loaf', 'rye'],
  sea: ['tide', 'moon', 'wave', 'harbour', 'sailor', 'reef', 'current', 'shore'],
  code: ['function', 'compiler', 'variable', 'loop', 'recursion', 'pointer', 'array', 'syntax'],
} as const;

/** A sentence of five of a subject's words, another for each number. */
function sentence(subject: keyof typeof SUBJECTS, n: number): string {
  return `Please tell me about the ${Array.from({ length: 5 }, (_, k) => SUBJECTS[subject][(n * 3 + k * (1 + (n % 2))) % 8]).join(' and the ')}, case ${n}.`;
}

function row(id: string, source: MixtureRow['source'], instruction: string, answer = 'Yes.'): MixtureRow {
  return {
    id,
    source,
    messages: [
      { role: 'user', content: instruction },
      { role: 'assistant', content: answer },
    ],
  };
}

const texts = (['bread', 'sea', 'code'] as const).flatMap((subject) => Array.from({ length: 14 }, (_, n) => sentence(subject, n)));

test('texts of one subject are neighbours on the map, the same for the same seed', () => {
  const map = topicMap(texts, 7)!;
  expect(topicMap(texts, 7)).toEqual(map);
  let near = 0;
  map.texts.forEach(({ x, y }, index) => {
    const [closest] = map.texts
      .map((other, place) => ({ place, far: place === index ? Infinity : (other.x - x) ** 2 + (other.y - y) ** 2 }))
      .sort((a, b) => a.far - b.far);
    if (Math.floor(closest!.place / 14) === Math.floor(index / 14)) near++;
  });
  expect(near).toBeGreaterThanOrEqual(40); // of 42
  const vocabulary: Set<string> = new Set(Object.values(SUBJECTS).flat());
  expect(map.topics.flatMap(({ terms }) => terms.slice(0, 2)).every((term) => vocabulary.has(term))).toBe(true);
});

test('too few texts make no map; texts that share nothing, or are all the same, make one all the same', () => {
  expect(topicMap(texts.slice(0, 14), 1)).toBeUndefined();
  for (const odd of [
    Array<string>(20).fill('the same'),
    Array.from({ length: 20 }, (_, n) => `word${'x'.repeat(n)}`),
    Array<string>(20).fill(''),
  ]) {
    const map = topicMap(odd, 1)!;
    expect(map.texts.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
  }
});

test('lengths are counted by source and side, in steps of twice the last', () => {
  const { lengths } = reportTrainingData(
    [row('i1', 'replay', 'x'.repeat(10), ''), row('i2', 'replay', 'x'.repeat(15), 'y'.repeat(300)), row('n1', 'new', 'x'.repeat(16), 'z')],
    1,
  );
  expect(lengths.map(({ source, side, longest, bins }) => [source, side, longest, bins])).toEqual([
    ['replay', 'instruction', 15, [{ from: 8, count: 2 }]],
    [
      'replay',
      'answer',
      300,
      [
        { from: 0, count: 1 },
        { from: 256, count: 1 },
      ],
    ],
    ['new', 'instruction', 16, [{ from: 16, count: 1 }]],
    ['new', 'answer', 1, [{ from: 1, count: 1 }]],
  ]);
});

test('repetitions are told apart as exact and near, and new data that repeats the replay set is counted', () => {
  const { duplicates } = reportTrainingData(
    [
      row('n1', 'new', 'HOW do I bake a rye bread in an oven?'),
      row('n2', 'new', 'Something else entirely, of its own.'),
      row('i1', 'replay', 'How do I bake a rye  bread in an oven?'),
      row('i2', 'replay', 'How do I bake a rye bread in an oven!'),
      row('i3', 'replay', 'Why does the tide follow the moon?'),
    ],
    1,
  );
  expect(duplicates).toEqual({ compared: 5, exact: 1, near: 1, newInReplay: 1, threshold: 0.8 });
});

test('the section says what the embedding is, where both sources lie, and that nobody looked for contamination', () => {
  const rows = texts.map((text, index) => row(`r${index}`, index < 30 ? 'replay' : 'new', text));
  const { blocks } = dataSection(reportTrainingData(rows, 7), null);
  const words = blocks.flatMap((block: Block) => (block.kind === 'text' ? [block.text] : [])).join(' ');
  expect(words).toContain('All 42 conversations');
  expect(words).toContain('TF-IDF');
  expect(words).toContain('synthesis.quality.decontaminate is off');
  const [topics] = blocks.filter((block) => block.kind === 'table');
  const counts = (column: number): number => topics!.rows.reduce((sum, cells) => sum + Number(cells[column]), 0);
  expect([counts(2), counts(3)]).toEqual([30, 12]);
  expect(dataSection(null, null).blocks).toEqual([{ kind: 'note', tone: 'info', text: 'Nothing has been mixed yet.' }]);
});
