import { EndpointHealth, type Trouble } from '../../../services/endpoints/endpoint-health';
import type { ModelFailure } from '../../../services/endpoints/model-errors';

const CRASH: ModelFailure = { scope: 'transient', kind: 'server_error', overloaded: false, message: '500' };
const BUSY: ModelFailure = { scope: 'transient', kind: 'rate_limited', overloaded: true, message: '429' };
const MINUTE = 60_000;

/** Fails a request once every ten seconds; before each failure, `others` of other calls' first tries say how they ended. */
function failures(
  count: number,
  others: (round: number) => readonly boolean[],
  failure = CRASH,
): { readonly trouble: Trouble; readonly nowMs: number } {
  const health = new EndpointHealth();
  const trouble = health.watch(0);
  let nowMs = 0;
  for (let round = 0; round < count; round++) {
    for (const answered of others(round)) health.firstTry(nowMs + 1, answered);
    nowMs += 10_000;
    trouble.failed(failure, nowMs, 0);
  }
  return { trouble, nowMs };
}

const passing = (count: number): boolean[] => Array<boolean>(count).fill(true);

test('a request that fails while a hundred others pass is at fault after a minute', () => {
  const { trouble, nowMs } = failures(6, () => passing(100));
  expect(trouble.isTheRequests(nowMs)).toBe(true);
  expect(trouble.describe()).toBe('failed 6 times in a row while 600 of 600 other requests passed at once');
});

test('but not within the first minute: a part of a server may be away', () => {
  const { trouble, nowMs } = failures(5, () => passing(1_000));
  expect(nowMs).toBeLessThan(MINUTE);
  expect(trouble.isTheRequests(nowMs)).toBe(false);
});

test('no outage, however long, speaks against a request', () => {
  expect(failures(10_000, () => []).trouble.isTheRequests(10 * MINUTE)).toBe(false);
  expect(failures(10_000, () => [false, false, false]).trouble.isTheRequests(10 * MINUTE)).toBe(false);
});

test('one more failure after a long outage does not, though all others pass again', () => {
  const { trouble, nowMs } = failures(1_001, (round) => (round < 1_000 ? [false] : passing(5_000)));
  expect(trouble.isTheRequests(nowMs)).toBe(false);
});

test('where half of all calls fail, it takes thirty failures in a row', () => {
  const half = (): boolean[] => [...passing(10), ...Array<boolean>(10).fill(false)];
  expect(failures(27, half).trouble.isTheRequests(30 * MINUTE)).toBe(false);
  expect(failures(33, half).trouble.isTheRequests(30 * MINUTE)).toBe(true);
});

test('one other request between the failures is enough, in time', () => {
  expect(failures(5, () => [true]).trouble.isTheRequests(30 * MINUTE)).toBe(false);
  expect(failures(15, () => [true]).trouble.isTheRequests(30 * MINUTE)).toBe(true);
});

test('"too many requests" never speaks against one of them', () => {
  expect(failures(1_000, () => passing(100), BUSY).trouble.isTheRequests(1_000 * MINUTE)).toBe(false);
});

test('replies to calls that began before the last failure do not count: they may end well in an outage', () => {
  const health = new EndpointHealth();
  const trouble = health.watch(0);
  for (let round = 1; round <= 100; round++) {
    trouble.failed(CRASH, round * MINUTE, 0);
    health.firstTry(round * MINUTE - 1, true);
  }
  expect(trouble.isTheRequests(100 * MINUTE)).toBe(false);
});

test('a closed one hears no more', () => {
  const health = new EndpointHealth();
  const trouble = health.watch(0);
  trouble.close();
  health.firstTry(5, true);
  expect(trouble.othersPass).toBe(false);
  expect(health.hasAnswered).toBe(true);
});

test('it tells how often the last failures were of one kind, and when the next try is due', () => {
  const trouble = new EndpointHealth().watch(0);
  for (const failure of [BUSY, CRASH, CRASH]) trouble.failed(failure, 1_000, 500);
  expect([trouble.timesOf('server_error'), trouble.timesOf('rate_limited'), trouble.failures]).toEqual([2, 0, 3]);
  expect([trouble.waitMs(1_200), trouble.waitMs(2_000)]).toEqual([300, 0]);
});
