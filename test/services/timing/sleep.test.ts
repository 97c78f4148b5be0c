import { sleep, Sleepers } from '../../../services/timing/sleep';

const HOUR_MS = 3_600_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a sleep ends when its time is over', async () => {
  const slept = sleep(HOUR_MS, new AbortController().signal);
  await jest.advanceTimersByTimeAsync(HOUR_MS);
  await expect(slept).resolves.toBeUndefined();
});

test('a sleep that is aborted, or was before it began, throws the reason and leaves no timer', async () => {
  const controller = new AbortController();
  const reason = new Error('stopped');
  const slept = sleep(HOUR_MS, controller.signal);
  controller.abort(reason);
  await expect(slept).rejects.toBe(reason);
  await expect(sleep(HOUR_MS, controller.signal)).rejects.toBe(reason);
  expect(jest.getTimerCount()).toBe(0);
});

test('all sleepers can be woken early, and those that come later sleep', async () => {
  const sleepers = new Sleepers();
  const both = Promise.all([sleepers.sleep(HOUR_MS), sleepers.sleep(2 * HOUR_MS)]);
  sleepers.wake();
  await both;
  expect(jest.getTimerCount()).toBe(0);
  void sleepers.sleep(HOUR_MS);
  expect(jest.getTimerCount()).toBe(1);
});
