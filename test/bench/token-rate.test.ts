import { fullSpan, inFlightWithin, rateWithin } from '../../bench/token-rate';

const request = (start: number, end: number, completionTokens = 10, promptTokens = 100) => ({ start, end, completionTokens, promptTokens });

test('tokens count by the part of their request that lies in the span', () => {
  const requests = [request(0, 10), request(5, 15), request(-20, -10), request(40, 50)];
  // Half of each of the first two.
  expect(rateWithin(requests, { from: 5, to: 10 })).toEqual({ completion: 2, all: 22 });
  expect(rateWithin(requests, { from: 0, to: 100 })).toEqual({ completion: 0.3, all: 3.3 });
});

test('a span without time is refused', () => {
  expect(() => rateWithin([], { from: 3, to: 3 })).toThrow(RangeError);
});

test('a server is full from the end of the first request to the beginning of the last', () => {
  expect(fullSpan([request(0, 4), request(0, 3), request(3, 9), request(4, 8)])).toEqual({ from: 3, to: 4 });
});

test('requests in flight are counted by the time that they take of the span', () => {
  expect(inFlightWithin([request(0, 10), request(5, 15), request(30, 40)], { from: 5, to: 15 })).toBe(1.5);
});
