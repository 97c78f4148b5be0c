import { holdOut } from '../../method/hold-out';

const rows = Array.from({ length: 50 }, (_, index) => ({ id: `i${String(index).padStart(3, '0')}` }));
const ids = (count: number, of = rows, seed = 7): string[] => holdOut({ rows: of, count, name: 'replay', seed }).map(({ id }) => id);

test('the choice depends on the seed and the rows, not on their order, and comes sorted', () => {
  expect(ids(10)).toEqual([...new Set(ids(10))].sort());
  expect(ids(10, [...rows].reverse())).toEqual(ids(10));
  expect(ids(10, rows, 8)).not.toEqual(ids(10));
  expect(ids(10)).not.toEqual(rows.slice(0, 10).map(({ id }) => id));
});

test('fewer rows are a part of what more would be', () => {
  const more = new Set(ids(20));
  expect(ids(6).every((id) => more.has(id))).toBe(true);
  expect(ids(0)).toEqual([]);
});

test('a row must be left to train on', () => {
  expect(ids(49)).toHaveLength(49);
  expect(() => ids(50)).toThrow('mix.holdOut.replay holds out 50 rows, but there are only 50, of which some must be left to train on');
});
