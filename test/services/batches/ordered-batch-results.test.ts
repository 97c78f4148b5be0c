import { join } from 'node:path';
import type { BatchApiName } from '../../../config/batch-apis';
import { EndpointUnavailableError } from '../../../services/endpoints/endpoint-errors';
import { attempt, billedUsd, provider, start, untilDone, useOrders } from '../../support/ordered-attempts';
import { SmallDisk } from '../../support/small-disk';

useOrders();

const APIS: readonly BatchApiName[] = ['openai', 'together', 'anthropic'];
const whole = (lines: readonly string[]): { readonly text: string } => ({ text: lines.join('\n') });

describe.each(APIS)('from %s,', (api) => {
  test.each([
    ['the last line is cut', (lines: readonly string[]) => ({ text: lines.join('\n').slice(0, -20) })],
    ['the download breaks off', (lines: readonly string[]) => ({ text: `${lines.slice(0, 4).join('\n')}\n`, isCut: true })],
    ['lines are missing', (lines: readonly string[]) => whole(lines.slice(2))],
    ['there is nothing in the file yet', () => whole([])],
  ])('where %s, the file is asked for again, and nothing is ordered again', async (_, first) => {
    await start({ api, sent: (lines, time) => (time === 1 ? first(lines) : whole(lines)) });
    const faults: unknown[] = [];
    let last: Awaited<ReturnType<typeof attempt>> | undefined;
    for (let looks = 0; looks < 20 && last?.state.isDone !== true; looks++) {
      last = await attempt().catch((error: unknown) => void faults.push(error));
    }
    expect(faults.filter((error) => !(error instanceof EndpointUnavailableError))).toEqual([]);
    expect(faults.length).toBeLessThanOrEqual(1);
    expect(last?.calls).toHaveLength(10);
    expect(last?.cost.usd).toBeCloseTo(billedUsd(), 10);
    expect(provider.batches).toHaveLength(1);
  });

  test('lines that stay missing are ordered again after a while, and only they', async () => {
    await start({ api, sent: (lines) => whole(provider.batches.length === 1 ? lines.slice(3) : lines) });
    const { calls } = await untilDone({}, Infinity);
    expect(calls).toHaveLength(10);
    expect(provider.batches.map(({ lines }) => lines.length)).toEqual([10, 3]);
  });

  test('lines that come twice count once, and those of somebody else not at all', async () => {
    const strange = [JSON.stringify({ custom_id: 'somebody-1', response: { status_code: 200, body: {} } }), ''];
    await start({ api, sent: (lines) => whole([...lines, ...strange, ...lines]) });
    const { calls, cost } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(cost.usd).toBeCloseTo(billedUsd(), 10);
    expect(provider.batches).toHaveLength(1);
  });

  test('what is no line at all is asked for again', async () => {
    await start({ api, sent: (lines, time) => whole(time === 1 ? ['null', '{}', '[]', '<html>', ...lines] : lines) });
    const { calls } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
  });

  test.each([
    [429, 'rate_limit_exceeded'],
    [503, 'overloaded_error'],
  ])('a %d at the creation of a batch is waited out, and one is ordered', async (status, code) => {
    const create = api === 'anthropic' ? 'POST /messages/batches' : 'POST /batches';
    await start({ api, refuse: (asked, time) => (asked === create && time <= 2 ? { status, code } : undefined) });
    let done = false;
    for (let looks = 0; looks < 1_000 && !done; looks++) {
      done = await attempt().then(
        ({ state }) => state.isDone,
        () => false,
      );
      if (!done) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(done).toBe(true);
    expect(provider.batches).toHaveLength(1);
    expect(provider.billedTwice()).toHaveLength(0);
  });

  test('a batch that ends while it is being cancelled is taken as it ended', async () => {
    await start({
      api,
      looks: 0,
      refuse: (asked) => {
        if (!asked.endsWith('/cancel')) return undefined;
        provider.release();
        return { status: 409, code: 'invalid_request_error' };
      },
    });
    provider.hold();
    await attempt();
    const { state, calls } = await untilDone({ spec: { mode: 'live' } });
    expect(provider.asked.some((asked) => asked.endsWith('/cancel'))).toBe(true);
    expect(state.itemsLeft).toBe(0);
    expect(calls).toHaveLength(10);
  });

  test('a batch that the provider does not know right after it took it is looked at again', async () => {
    const look = api === 'anthropic' ? 'GET /messages/batches/ID' : 'GET /batches/ID';
    await start({ api, refuse: (asked, time) => (asked === look && time === 1 ? { status: 404, code: 'not_found_error' } : undefined) });
    const { calls } = await untilDone({ spec: { batch: { api, pollSeconds: 30 } } });
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
  });

  test('a batch whose answer was lost is found where the list tells no times', async () => {
    await start({ api, told: (shown) => ({ ...shown, created_at: null }) });
    provider.loseAnswers = 1;
    await expect(attempt()).rejects.toThrow('it is asked again');
    const { calls } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
  });
});

test('a completed batch all of whose requests failed has no file of results but one of errors', async () => {
  await start({ lineError: () => ({ status: 400, type: 'invalid_request_error' }) });
  const { calls } = await untilDone({ items: 7 }); // of eight it would be taken for an endpoint that refuses everything
  expect(calls.map(({ error }) => error?.kind)).toEqual(Array.from({ length: 7 }, () => 'refused'));
  expect(provider.batches).toHaveLength(1);
});

test('a completed batch that names no file yet is asked for it again', async () => {
  let times = 0;
  await start({
    told: (shown) => (shown['status'] === 'completed' && ++times === 1 ? { ...shown, output_file_id: '', error_file_id: null } : shown),
  });
  const { calls } = await untilDone();
  expect(calls).toHaveLength(10);
  expect(provider.batches).toHaveLength(1);
});

test.each(['validating', 'in_progress', 'finalizing', 'cancelling', 'QUEUED'])('a batch that is %s is waited for', async (status) => {
  await start({ looks: 3, told: (shown, { looks }) => (looks < 4 ? { ...shown, status, output_file_id: null } : shown) });
  expect((await attempt()).state.isDone).toBe(false);
  const { calls } = await untilDone();
  expect(calls).toHaveLength(10);
  expect(provider.batches).toHaveLength(1);
});

test('a disk that is full when the results come costs nothing: they are asked for again, nothing is ordered again', async () => {
  const disk = new SmallDisk();
  const store = join(disk.folder, 'store');
  try {
    let filled: Promise<void> | undefined;
    await start({
      sent: (lines) => {
        filled ??= disk.fill();
        return whole(lines);
      },
    });
    await attempt({ store });
    await attempt({ store });
    const full: unknown = await attempt({ store }).catch((error: unknown) => error);
    await filled;
    const again: unknown = await attempt({ store }).catch((error: unknown) => error);
    // Where no disk could be mounted, writes fail from a moment after the results were sent.
    expect(disk.isReal ? full : again).toBeInstanceOf(Error);
    expect(again).toBeInstanceOf(Error);
    disk.free();
    const { calls, cost } = await untilDone({ store });
    expect(calls).toHaveLength(10);
    expect(cost.usd).toBeCloseTo(billedUsd(), 10);
    expect(provider.batches).toHaveLength(1);
  } finally {
    disk.remove();
  }
});
