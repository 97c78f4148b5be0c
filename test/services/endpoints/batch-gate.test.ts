import { BatchGate, type BatchPermit } from '../../../services/endpoints/batch-gate';

const never = new AbortController().signal;

/** Batches that ask to enter, by name, and those that were let in, in order. */
function entering(gate: BatchGate) {
  const entered: string[] = [];
  const permits = new Map<string, BatchPermit>();
  return {
    entered,
    permit: (name: string) => permits.get(name)!,
    enter: (name: string, { concurrency = 10, signal = never } = {}) =>
      gate.enter({ concurrency, signal }).then((permit) => {
        entered.push(name);
        permits.set(name, permit);
      }),
  };
}

const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test('a batch begins when those before it have too few items left to keep the endpoint busy', async () => {
  const { enter, entered, permit } = entering(new BatchGate());
  void enter('a');
  void enter('b');
  await settled();
  expect(entered).toEqual(['a']);
  permit('a').left(1500);
  await settled();
  expect(entered).toEqual(['a']);
  permit('a').left(20);
  await settled();
  expect(entered).toEqual(['a']);
  permit('a').left(19);
  await settled();
  expect(entered).toEqual(['a', 'b']);
});

test('small batches begin together until they fill the endpoint', async () => {
  const { enter, entered, permit } = entering(new BatchGate());
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    void enter(name);
    await settled();
    if (entered.includes(name)) permit(name).left(6);
  }
  await settled();
  expect(entered).toEqual(['a', 'b', 'c', 'd']);
});

test('a batch that ends, well or not, makes room for the next, and once only', async () => {
  const { enter, entered, permit } = entering(new BatchGate());
  for (const name of ['a', 'b', 'c']) void enter(name);
  await settled();
  permit('a').release();
  permit('a').release();
  permit('a').left(0);
  await settled();
  expect(entered).toEqual(['a', 'b']);
});

test('a batch that is stopped while it waits is out of the row', async () => {
  const { enter, entered, permit } = entering(new BatchGate());
  const stop = new AbortController();
  void enter('a');
  const stopped = enter('b', { signal: stop.signal });
  void enter('c');
  stop.abort(new Error('draining'));
  await expect(stopped).rejects.toThrow('draining');
  await expect(enter('d', { signal: stop.signal })).rejects.toThrow('draining');
  permit('a').release();
  await settled();
  expect(entered).toEqual(['a', 'c']);
});

test('the first in the row waits for its own endpoint limit, and nobody overtakes it', async () => {
  const { enter, entered, permit } = entering(new BatchGate());
  void enter('a');
  await settled();
  permit('a').left(50);
  void enter('b', { concurrency: 10 });
  void enter('c', { concurrency: 1000 });
  await settled();
  expect(entered).toEqual(['a']);
});
