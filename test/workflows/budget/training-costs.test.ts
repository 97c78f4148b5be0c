import { type TrainingCost } from '../../../contract/budget';
import type { ControlOrder, PauseRequest } from '../../../contract/control';
import { TrainingCosts } from '../../../workflows/budget/training-costs';

const order = (usd: number | undefined, revision = 1): ControlOrder => ({ revision, limits: {}, budget: usd === undefined ? {} : { usd } });

function costs(): { readonly ledger: TrainingCosts; readonly granted: string[]; readonly requests: PauseRequest[] } {
  const [granted, requests] = [[] as string[], [] as PauseRequest[]];
  const ledger = new TrainingCosts({
    grant: async (from) => void (await Promise.resolve(granted.push(from))),
    requestPause: async (request) => void (await Promise.resolve(requests.push(request))),
  });
  return { ledger, granted, requests };
}

function cost(name: string, usd: number, change: Partial<TrainingCost> = {}): TrainingCost {
  return { from: `run/variant-${name}`, variant: name, key: `key of ${name}`, usd, state: 'asked', ...change };
}

test('trainings are granted while the budget lasts, beside what the synthesis has spent', async () => {
  const { ledger, granted, requests } = costs();
  await ledger.book(cost('a', 4), order(10), 3);
  expect(granted).toEqual(['run/variant-a']);
  await ledger.book(cost('b', 4), order(10), 3);
  expect(granted).toHaveLength(1);
  expect(requests).toEqual([
    {
      by: 'budget',
      revision: 1,
      reason: 'the budget of $10.00 does not cover the training of b: $7.00 is spent, and the fine-tuning job is estimated to cost $4.00',
    },
  ]);
  await ledger.review(order(10), 3); // said once under each order
  expect(requests).toHaveLength(1);
  await ledger.review(order(10, 2), 3);
  expect(requests).toHaveLength(2);
  await ledger.review(order(12, 3), 3);
  expect(granted).toEqual(['run/variant-a', 'run/variant-b']);
  expect(ledger.usd).toBe(8);
});

test('what a training was billed takes the place of its estimate, which may make room for another', async () => {
  const { ledger, granted, requests } = costs();
  await ledger.book(cost('a', 8), order(10), 0);
  await ledger.book(cost('b', 4), order(10), 0);
  expect(requests).toHaveLength(1);
  await ledger.book(cost('a', 5, { state: 'ended' }), order(10), 0);
  expect(granted).toEqual(['run/variant-a', 'run/variant-b']);
  expect(ledger.usd).toBe(9);
});

test('a training that is ordered already is booked and goes on whatever the budget, and variants that share one pay once', async () => {
  const { ledger, granted, requests } = costs();
  await ledger.book(cost('a', 20, { state: 'ordered' }), order(10), 0);
  await ledger.book(cost('twin', 20, { key: 'key of a' }), order(10), 0);
  expect(granted).toEqual(['run/variant-a', 'run/variant-twin']);
  expect(ledger.usd).toBe(20);
  expect(requests).toEqual([]);
});

test('without a budget in dollars all are granted, and counted; a run that is paused is not paused again', async () => {
  const { ledger, granted, requests } = costs();
  await ledger.book(cost('a', 1e6), order(undefined), 0);
  expect(granted).toEqual(['run/variant-a']);
  expect(ledger.usd).toBe(1e6);
  await ledger.book(cost('b', 1), { ...order(10), pause: { by: 'user', reason: 'r' } }, 0);
  expect(requests).toEqual([]);
});
