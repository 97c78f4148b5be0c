import { EndpointHealth, type SuspectRequest } from '../../../services/endpoints/endpoint-health';
import type { ModelFailure } from '../../../services/endpoints/model-errors';

const CRASH: ModelFailure = { scope: 'transient', kind: 'server_error', overloaded: false, message: '500' };
const BUSY: ModelFailure = { scope: 'transient', kind: 'rate_limited', overloaded: true, message: '429' };
const MINUTE = 60_000;

/** Fails a request once every ten seconds; before each failure, `others` of other calls' first tries say how they ended. */
function failures(
  count: number,
  others: (round: number) => readonly boolean[],
  failure = CRASH,
): { readonly suspect: SuspectRequest; readonly nowMs: number } {
  const health = new EndpointHealth();
  const suspect = health.watch(0);
  let nowMs = 0;
  for (let round = 0; round < count; round++) {
    for (const answered of others(round)) health.firstTry(nowMs + 1, answered);
    nowMs += 10_000;
    suspect.failed(failure, nowMs, 0);
  }
  return { suspect, nowMs };
}

const passing = (count: number): boolean[] => Array<boolean>(count).fill(true);

test('a request that fails while a hundred others pass is at fault after a minute', () => {
  const { suspect, nowMs } = failures(6, () => passing(100));
  expect(suspect.isAtFault(nowMs)).toBe(true);
  expect(suspect.describe()).toBe('failed 6 times in a row while 600 of 600 other requests succeeded at the first try');
});

test('but not within the first minute: a part of a server may be away', () => {
  const { suspect, nowMs } = failures(5, () => passing(1_000));
  expect(nowMs).toBeLessThan(MINUTE);
  expect(suspect.isAtFault(nowMs)).toBe(false);
});

test('no outage, however long, speaks against a request', () => {
  expect(failures(10_000, () => []).suspect.isAtFault(10 * MINUTE)).toBe(false);
  expect(failures(10_000, () => [false, false, false]).suspect.isAtFault(10 * MINUTE)).toBe(false);
});

test('one more failure after a long outage does not, though all others pass again', () => {
  const { suspect, nowMs } = failures(1_001, (round) => (round < 1_000 ? [false] : passing(5_000)));
  expect(suspect.isAtFault(nowMs)).toBe(false);
});

test('where half of all calls fail, it takes thirty failures in a row', () => {
  const half = (): boolean[] => [...passing(10), ...Array<boolean>(10).fill(false)];
  expect(failures(27, half).suspect.isAtFault(30 * MINUTE)).toBe(false);
  expect(failures(33, half).suspect.isAtFault(30 * MINUTE)).toBe(true);
});

test('one other request between the failures is enough, in time', () => {
  expect(failures(5, () => [true]).suspect.isAtFault(30 * MINUTE)).toBe(false);
  expect(failures(15, () => [true]).suspect.isAtFault(30 * MINUTE)).toBe(true);
});

test('"too many requests" never speaks against one of them', () => {
  expect(failures(1_000, () => passing(100), BUSY).suspect.isAtFault(1_000 * MINUTE)).toBe(false);
});

test('replies to calls that began before the last failure do not count: they may end well in an outage', () => {
  const health = new EndpointHealth();
  const suspect = health.watch(0);
  for (let round = 1; round <= 100; round++) {
    suspect.failed(CRASH, round * MINUTE, 0);
    health.firstTry(round * MINUTE - 1, true);
  }
  expect(suspect.isAtFault(100 * MINUTE)).toBe(false);
});

test('a closed one hears no more', () => {
  const health = new EndpointHealth();
  const suspect = health.watch(0);
  suspect.close();
  health.firstTry(5, true);
  expect(suspect.othersAreAnswered).toBe(false);
  expect(health.hasAnswered).toBe(true);
});

test('it tells how often the last failures were of one kind, and when the next try is due', () => {
  const suspect = new EndpointHealth().watch(0);
  for (const failure of [BUSY, CRASH, CRASH]) suspect.failed(failure, 1_000, 500);
  expect([suspect.timesInRow('server_error'), suspect.timesInRow('rate_limited'), suspect.failures]).toEqual([2, 0, 3]);
  expect([suspect.waitMs(1_200), suspect.waitMs(2_000)]).toEqual([300, 0]);
});
