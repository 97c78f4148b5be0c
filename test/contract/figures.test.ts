import {
  formatCount,
  formatCounted,
  formatDecimal,
  formatDuration,
  formatErrors,
  formatEstimate,
  formatList,
  formatPercent,
  formatPValue,
  formatRate,
  formatScientific,
  formatShortCount,
  formatSigned,
  formatTime,
  formatUsd,
  NO_VALUE,
} from '../../contract/figures';

test.each([
  [0, '0'],
  [950, '950'],
  [999, '999'],
  [999.4, '999'],
  [1000, '1.00k'],
  [12_345, '12.3k'],
  [999_499, '999k'],
  [999_500, '1.00M'],
  [4_560_000, '4.56M'],
  [2.7e9, '2.70G'],
])('shows %d shortly as %s', (count, shown) => expect(formatShortCount(count)).toBe(shown));

test.each([
  [-5, '0ms'],
  [0, '0ms'],
  [850, '850ms'],
  [999.6, '1s'],
  [1_000, '1s'],
  [42_400, '42s'],
  [59_800, '1m'],
  [185_000, '3m 5s'],
  [7_800_000, '2h 10m'],
  [266_400_000, '3d 2h'],
])('shows %d ms as %s', (ms, shown) => expect(formatDuration(ms)).toBe(shown));

test.each([
  [1234.5, '1.23k/s'],
  [123, '123/s'],
  [3.25, '3.3/s'],
  [1, '1.0/s'],
  [0.5, '30/min'],
  [0.05, '3.0/min'],
  [0.01, '36/h'],
  [0.001, '3.6/h'],
])('shows %d a second as %s', (rate, shown) => expect(formatRate(rate)).toBe(shown));

test.each([
  [0, 2, '0.00'],
  [-1.25, 1, '−1.3'],
  [-0.04, 1, '0.0'],
  [12.345, 0, '12'],
])('shows %d with %d decimals as %s', (value, digits, shown) => expect(formatDecimal(value, digits)).toBe(shown));

test.each([
  [0.44, '+0.4'],
  [-1.2, '−1.2'],
  [0.04, '0.0'],
  [-0.04, '0.0'],
])('shows the difference %d as %s', (value, shown) => expect(formatSigned(value)).toBe(shown));

test.each([
  [0, '$0.00'],
  [0.0123, '$0.012'],
  [0.1, '$0.10'],
  [1234.5, '$1,234.50'],
])('shows %d dollars as %s', (usd, shown) => expect(formatUsd(usd)).toBe(shown));

test.each([
  [0, '0'],
  [0.000001, '1e-6'],
  [0.0005, '5e-4'],
  [0.03, '0.03'],
])('shows the factor %d as %s', (value, shown) => expect(formatScientific(value)).toBe(shown));

test('a count has its digits grouped and its noun in the right number', () => {
  expect(formatCount(2_700_000)).toBe('2,700,000');
  expect(formatCounted(1, 'instruction')).toBe('1 instruction');
  expect(formatCounted(1_200, 'instruction')).toBe('1,200 instructions');
  expect(formatCounted(2, 'reply', 'replies')).toBe('2 replies');
});

test('an estimate has its standard error where there is one', () => {
  expect(formatEstimate(0.25, 0.15)).toBe('0.250 ± 0.150');
  expect(formatEstimate(0.25, 0.15, formatSigned)).toBe('+0.250 ± 0.150');
  expect(formatEstimate(0.25, null)).toBe('0.250');
});

test('a share, a p value and a time', () => {
  expect(formatPercent(1 / 6)).toBe('16.7\u00a0%');
  expect(formatPValue(0.0004)).toBe('< 0.001');
  expect(formatPValue(0.0123)).toBe('0.012');
  expect(formatTime('2026-11-03T09:12:05.123Z')).toBe('2026-11-03 09:12:05');
});

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c'], 'a, b and c'],
])('lists %j as %j', (words, shown) => expect(formatList(words)).toBe(shown));

test('errors come with the commonest first, and those that did not occur are left out', () => {
  expect(formatErrors({ timeout: 2, rate_limited: 14, refused: 0 })).toBe('14 rate limited, 2 timeout');
  expect(formatErrors({})).toBe('');
});

test.each([formatCount, formatShortCount, formatDecimal, formatSigned, formatPercent, formatDuration, formatUsd])(
  '%o shows a missing value as a dash',
  (format) => {
    expect(format(null)).toBe(NO_VALUE);
    expect(format(undefined)).toBe(NO_VALUE);
  },
);
