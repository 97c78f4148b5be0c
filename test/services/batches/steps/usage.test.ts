import { evenPart, totalUsage } from '../../../../services/batches/steps/usage';
import { answeredNothing, replied } from '../../../support/exchanges';

test('usage is divided evenly among samples', () => {
  expect(evenPart({ promptTokens: 10, completionTokens: 8 }, 3)).toEqual({ promptTokens: 3, completionTokens: 3 });
  expect(evenPart({ promptTokens: 10, completionTokens: 8 }, 1)).toEqual({ promptTokens: 10, completionTokens: 8 });
  expect(evenPart(null, 3)).toBeNull();
});

test('usage of several exchanges is summed, and is null where no reply reports any', () => {
  const exchanges = [
    replied(['a'], { promptTokens: 10, completionTokens: 2 }),
    answeredNothing,
    replied(['b'], { promptTokens: 5, completionTokens: 3 }),
  ];
  expect(totalUsage(exchanges)).toEqual({ promptTokens: 15, completionTokens: 5 });
  expect(totalUsage([answeredNothing, replied(['c'])])).toBeNull();
});
