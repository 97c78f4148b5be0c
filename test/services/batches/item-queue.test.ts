import type { BatchItem } from '../../../services/batches/batch-item';
import { ItemQueue } from '../../../services/batches/item-queue';
import { EndpointHealth } from '../../../services/endpoints/endpoint-health';

const item = (id: string): BatchItem<object> => ({ id, next: () => ({ do: 'done', rows: [], failures: [] }) });
const request = { path: 'completions', body: { prompt: 'x' }, tokenEstimate: 1 } as const;

test('items come in their order, and those that were set aside after all others, with what they have had', () => {
  const queue = new ItemQueue([item('a'), item('b')]);
  const a = queue.next()!;
  a.exchanges.push({ reply: undefined, error: undefined });
  queue.setAside({ ...a, pending: { request, suspect: new EndpointHealth().watch(0) } });
  expect(queue.next()).toEqual({ item: expect.objectContaining({ id: 'b' }), exchanges: [] });
  expect(queue.next()).toMatchObject({ item: { id: 'a' }, exchanges: [{}], pending: { request } });
  expect(queue.next()).toBeUndefined();
});

test('an item that is set aside after the queue was empty is taken again', () => {
  const queue = new ItemQueue([item('a')]);
  const a = queue.next()!;
  expect(queue.next()).toBeUndefined();
  queue.setAside(a);
  expect(queue.next()).toBe(a);
});

test('a closed queue compares no request with others any more', () => {
  const health = new EndpointHealth();
  const suspect = health.watch(0);
  const queue = new ItemQueue([item('a')]);
  queue.setAside({ ...queue.next()!, pending: { request, suspect } });
  queue.close();
  health.firstTry(1, true);
  expect(suspect.othersAreAnswered).toBe(false);
});
