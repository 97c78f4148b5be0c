import fc from 'fast-check';
import { backoffMs, retryAfterMs } from '../../../services/endpoints/retry-timing';

const NOW = Date.parse('2026-06-15T12:00:00Z');
const TEN_MINUTES = 600_000;

const cases: [description: string, headers: Record<string, string>, expected: number | undefined][] = [
  ['no header', {}, undefined],
  ['whole seconds', { 'retry-after': '7' }, 7_000],
  ['seconds with white space', { 'retry-after': '  7 ' }, 7_000],
  ['fractional seconds', { 'retry-after': '0.25' }, 250],
  ['milliseconds', { 'retry-after-ms': '1500' }, 1_500],
  ['a fraction of a millisecond, rounded up', { 'retry-after-ms': '0.2' }, 1],
  ['milliseconds before seconds', { 'retry-after-ms': '20', 'retry-after': '7' }, 20],
  ['unusable milliseconds, usable seconds', { 'retry-after-ms': 'soon', 'retry-after': '7' }, 7_000],
  ['zero seconds, which is no advice', { 'retry-after': '0' }, undefined],
  ['zero milliseconds', { 'retry-after-ms': '0' }, undefined],
  ['negative seconds', { 'retry-after': '-5' }, undefined],
  ['a word', { 'retry-after': 'soon' }, undefined],
  ['a number with a unit', { 'retry-after': '120s' }, undefined],
  ['an empty value', { 'retry-after': '' }, undefined],
  ['more than ten minutes', { 'retry-after': '86400' }, TEN_MINUTES],
  ['a date (IMF-fixdate)', { 'retry-after': 'Mon, 15 Jun 2026 12:00:30 GMT' }, 30_000],
  ['a date (RFC 850)', { 'retry-after': 'Monday, 15-Jun-26 12:00:30 GMT' }, 30_000],
  ['a date (asctime), which is GMT too', { 'retry-after': 'Mon Jun 15 12:00:30 2026' }, 30_000],
  ['a date in the past', { 'retry-after': 'Mon, 15 Jun 2026 11:59:00 GMT' }, undefined],
  ['a date far off', { 'retry-after': 'Wed, 15 Jul 2026 12:00:00 GMT' }, TEN_MINUTES],
  ['a date that does not exist', { 'retry-after': 'Mon, 99 Foo 2026 12:00:00 GMT' }, undefined],
  ['an ISO date, which HTTP does not know', { 'retry-after': '2026-06-15T12:00:30Z' }, undefined],
  ['requests used up', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, 1_000],
  ['tokens used up, minutes', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
  ['a reset in milliseconds', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '120ms' }, 120],
  ['a reset in all units', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m3.5s' }, TEN_MINUTES],
  ['a reset of something that is not used up', { 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '30s' }, undefined],
  ['a reset without a remaining count', { 'x-ratelimit-reset-tokens': '30s' }, undefined],
  [
    'both used up: the later reset',
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '5s',
    },
    5_000,
  ],
  ['a reset that is no duration', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s tomorrow' }, undefined],
  ['Retry-After before a reset', { 'retry-after': '3', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '50s' }, 3_000],
];

test.each(cases)('%s', (_, headers, expected) => {
  expect(retryAfterMs(new Headers(headers), NOW)).toBe(expected);
});

test('a reply without headers asks for nothing', () => {
  expect(retryAfterMs(undefined, NOW)).toBeUndefined();
});

test('no header makes a wait outside of 1 ms to ten minutes', () => {
  const text = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('retry-after', 'retry-after-ms'), (value, name) => {
      const headers = new Map([[name, value]]);
      const waitMs = retryAfterMs({ get: (key: string) => headers.get(key) ?? null } as Headers, NOW);
      expect(waitMs === undefined || (Number.isInteger(waitMs) && waitMs >= 1 && waitMs <= TEN_MINUTES)).toBe(true);
    }),
  );
});

test('backoff doubles from half a second to half a minute, jittered over its upper half', () => {
  expect([0, 1, 2, 5, 6, 50].map((failures) => backoffMs(failures, () => 1))).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000]);
  expect([0, 1, 2, 5, 6, 50].map((failures) => backoffMs(failures, () => 0))).toEqual([250, 500, 1_000, 8_000, 15_000, 15_000]);
});
