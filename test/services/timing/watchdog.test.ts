import { Watchdog } from '../../../services/timing/watchdog';

const TIMEOUT_MS = 60_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a watchdog calls once when it is not reset in time', () => {
  const onTimeout = jest.fn();
  const watchdog = new Watchdog(TIMEOUT_MS, onTimeout);
  jest.advanceTimersByTime(TIMEOUT_MS - 1);
  watchdog.reset();
  jest.advanceTimersByTime(TIMEOUT_MS - 1);
  expect(onTimeout).not.toHaveBeenCalled();
  jest.advanceTimersByTime(3 * TIMEOUT_MS);
  expect(onTimeout).toHaveBeenCalledTimes(1);
});

test('one that is stopped never calls', () => {
  const onTimeout = jest.fn();
  new Watchdog(TIMEOUT_MS, onTimeout).stop();
  jest.advanceTimersByTime(3 * TIMEOUT_MS);
  expect(onTimeout).not.toHaveBeenCalled();
});
