import { InFlight } from '../../../services/batches/in-flight';

test('what is in flight is the worst case of what was sent and is not counted yet', () => {
  const inFlight = new InFlight();
  const first = inFlight.send({ promptTokens: 10, completionTokens: 64 });
  const second = inFlight.send({ promptTokens: 5, completionTokens: 32 });
  expect(inFlight.bound).toEqual({ promptTokens: 15, completionTokens: 96 });
  first.end();
  first.end(); // a call that fails and is counted ends twice
  expect(inFlight.bound).toEqual({ promptTokens: 5, completionTokens: 32 });
  second.end();
  expect(inFlight.bound).toEqual({ promptTokens: 0, completionTokens: 0 });
});
