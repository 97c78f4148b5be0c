import fc from 'fast-check';
import { paretoFront } from '../../method/pareto';

test('what another one beats is not on the front', () => {
  const front = paretoFront([
    { name: 'official', gain: 0, cost: 0 },
    { name: 'harmful', gain: 0.2, cost: 0.4 },
    { name: 'method', gain: 0.2, cost: 0.01 },
    { name: 'half', gain: 0.3, cost: 0.05 },
    { name: 'as much for more', gain: 0.3, cost: 0.06 },
    { name: 'worse than nothing', gain: -0.1, cost: 0.1 },
  ]);
  expect(front.map(({ name }) => name)).toEqual(['official', 'method', 'half']);
});

test('a row that forgets less than nothing beats the official model where it learned', () => {
  expect(
    paretoFront([
      { name: 'official', gain: 0, cost: 0 },
      { name: 'better', gain: 0.1, cost: -0.01 },
    ]).map(({ name }) => name),
  ).toEqual(['better']);
});

test('every choice is on the front or beaten by one that is, and none on it is beaten', () => {
  const choice = fc.record({ name: fc.string(), gain: fc.integer({ min: -5, max: 5 }), cost: fc.integer({ min: -5, max: 5 }) });
  fc.assert(
    fc.property(fc.array(choice, { maxLength: 12 }), (choices) => {
      const front = paretoFront(choices);
      const beats = (a: (typeof choices)[number], b: (typeof choices)[number]): boolean =>
        a.gain >= b.gain && a.cost <= b.cost && (a.gain > b.gain || a.cost < b.cost);
      for (const each of front) expect(choices.some((other) => beats(other, each))).toBe(false);
      for (const each of choices) {
        expect(front.some((other) => beats(other, each) || (other.gain === each.gain && other.cost === each.cost))).toBe(true);
      }
      expect(front.map(({ gain }) => gain)).toEqual(front.map(({ gain }) => gain).sort((a, b) => a - b));
    }),
  );
});
