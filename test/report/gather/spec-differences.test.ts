import { specDifferences } from '../../../report/gather/spec-differences';

test('the leaves of two specs that differ are named by their paths', () => {
  expect(specDifferences({ a: 1, b: { c: [1, 2], d: 'x' } }, { a: 1, b: { c: [1, 3], e: null } })).toEqual([
    { path: 'b.c[1]', a: '2', b: '3' },
    { path: 'b.d', a: '"x"', b: null },
    { path: 'b.e', a: null, b: 'null' },
  ]);
});
