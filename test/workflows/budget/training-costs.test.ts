import { type TrainingCost } from '../../../contract/budget';
import type { ControlOrder, Halt } from '../../../contract/control';
import { TrainingCosts } from '../../../workflows/budget/training-costs';

const order = (usd: number | undefined, revision = 1): ControlOrder => ({ revision, limits: {}, budget: usd === undefined ? {} : { usd } });

function costs(): { readonly ledger: TrainingCosts; readonly funded: string[]; readonly halts: Halt[] } {
  const [funded, halts] = [[] as string[], [] as Halt[]];
  const ledger = new TrainingCosts({
    fund: async (from) => void (await Promise.resolve(funded.push(from))),
    halt: async (halt) => void (await Promise.resolve(halts.push(halt))),
  });
  return { ledger, funded, halts };
}

function cost(name: string, usd: number, change: Partial<TrainingCost> = {}): TrainingCost {
  return { from: `run/variant-${name}`, variant: name, key: `key of ${name}`, usd, state: 'asked', ...change };
}

test('trainings are funded while the budget lasts, beside what the synthesis has spent', async () => {
  const { ledger, funded, halts } = costs();
  await ledger.take(cost('a', 4), order(10), 3);
  expect(funded).toEqual(['run/variant-a']);
  await ledger.take(cost('b', 4), order(10), 3);
  expect(funded).toHaveLength(1);
  expect(halts).toEqual([
    {
      by: 'budget',
      revision: 1,
      reason: 'the budget of $10.00 does not cover the training of b: $7.00 is spent, and the fine-tuning job is estimated to cost $4.00',
    },
  ]);
  await ledger.review(order(10), 3); // said once under each order
  expect(halts).toHaveLength(1);
  await ledger.review(order(10, 2), 3);
  expect(halts).toHaveLength(2);
  await ledger.review(order(12, 3), 3);
  expect(funded).toEqual(['run/variant-a', 'run/variant-b']);
  expect(ledger.usd).toBe(8);
});

test('what a training was billed takes the place of its estimate, which may make room for another', async () => {
  const { ledger, funded, halts } = costs();
  await ledger.take(cost('a', 8), order(10), 0);
  await ledger.take(cost('b', 4), order(10), 0);
  expect(halts).toHaveLength(1);
  await ledger.take(cost('a', 5, { state: 'ended' }), order(10), 0);
  expect(funded).toEqual(['run/variant-a', 'run/variant-b']);
  expect(ledger.usd).toBe(9);
});

test('a training that is ordered already is booked and goes on whatever the budget, and variants that share one pay once', async () => {
  const { ledger, funded, halts } = costs();
  await ledger.take(cost('a', 20, { state: 'ordered' }), order(10), 0);
  await ledger.take(cost('twin', 20, { key: 'key of a' }), order(10), 0);
  expect(funded).toEqual(['run/variant-a', 'run/variant-twin']);
  expect(ledger.usd).toBe(20);
  expect(halts).toEqual([]);
});

test('without a budget in dollars all are funded, and counted; a run that is paused is not paused again', async () => {
  const { ledger, funded, halts } = costs();
  await ledger.take(cost('a', 1e6), order(undefined), 0);
  expect(funded).toEqual(['run/variant-a']);
  expect(ledger.usd).toBe(1e6);
  await ledger.take(cost('b', 1), { ...order(10), pause: { by: 'user', reason: 'r' } }, 0);
  expect(halts).toEqual([]);
});
