import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { canonicalJson } from '../../method/canonical-json';

describe('canonical JSON', () => {
  it('sorts keys by code units at every depth and has no white space', () => {
    expect(canonicalJson({ b: [3, { z: null, a: true }], a: 'x', B: 1, '€': 2, 10: 'ten', 9: 'nine' })).toBe(
      '{"10":"ten","9":"nine","B":1,"a":"x","b":[3,{"a":true,"z":null}],"€":2}',
    );
  });

  it('writes the example of RFC 8785, section 3.2.2', () => {
    const value = {
      // oxlint-disable-next-line no-loss-of-precision -- the RFC's own input
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('does not depend on the order in which keys were set', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      }),
    );
  });

  it('reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('tells apart values that a careless key would not', () => {
    const texts = [1, '1', [1], ['1'], { 1: 1 }, null, 'null', [], {}, [[]], [null]].map(canonicalJson);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('writes -0 as 0 and a repeated object twice', () => {
    const shared = { a: -0 };
    expect(canonicalJson([shared, shared])).toBe('[{"a":0},{"a":0}]');
  });

  it('takes plain objects from another realm, as the workflow sandbox has them', () => {
    expect(canonicalJson(runInNewContext('({ b: 1, a: [2] })'))).toBe('{"a":[2],"b":1}');
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each<[string, unknown, string]>([
    ['undefined', { a: { b: undefined } }, '$.a.b is undefined'],
    ['undefined alone', undefined, '$ is undefined'],
    ['NaN', { a: [1, Number.NaN] }, '$.a[1] is NaN'],
    ['an infinity', { a: Number.NEGATIVE_INFINITY }, '$.a is -Infinity'],
    ['a function', { a: () => 1 }, '$.a is function'],
    ['a symbol', [Symbol('s')], '$[0] is symbol'],
    ['a symbol key', { [Symbol('s')]: 1 }, '$ is not a plain object'],
    ['a bigint', { a: 1n }, '$.a is bigint'],
    ['a date', { a: new Date(0) }, '$.a is not a plain object'],
    ['a map', new Map(), '$ is not a plain object'],
    ['a class instance', { a: new (class Point {})() }, '$.a is not a plain object'],
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the case
    ['a hole', [1, , 3], '$[1] is undefined'],
    ['a cycle', cycle, '$.self is a reference to one of its own parents'],
  ])('refuses %s and says where', (_name, value, message) => {
    expect(() => canonicalJson(value)).toThrow(message);
  });
});
