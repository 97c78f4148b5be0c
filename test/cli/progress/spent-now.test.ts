import { spentNow } from '../../../cli/progress/spent-now';
import type { ControlState } from '../../../contract/control';
import type { HeartbeatDetails } from '../../../contract/progress';

const control: ControlState = {
  paused: false,
  pausedBy: null,
  reason: null,
  limits: {},
  budget: {},
  spent: { usd: 3, tokens: 30 },
  trainingUsd: 1,
};

function beat(batch: string | undefined, usd: number): HeartbeatDetails {
  return { ...(batch === undefined ? {} : { batch }), cost: { usd, tokens: usd * 10 } } as HeartbeatDetails;
}

test('without an open synthesis the run knows what is spent', () => {
  expect(spentNow({ control, shards: [] })).toEqual({ usd: 3, tokens: 30 });
});

test('closed shards, ended and stopped batches, and the heartbeats of those that run are added up, each once', () => {
  const spent = spentNow({
    control,
    synthesis: { closed: { usd: 2, tokens: 20 }, open: { s1: { usd: 0.5, tokens: 5 }, s2: { usd: 4, tokens: 40 } } },
    shards: [
      {
        id: 's1',
        known: { extract: { usd: 1, tokens: 10 }, 'respond a': { usd: 2, tokens: 20 } },
        heartbeats: [beat('respond a', 3), beat('respond b', 5), beat(undefined, 100)],
      },
      // Its worker has not told yet what its journals hold; the ledger has looked it up.
      { id: 's2', known: {}, heartbeats: [] },
    ],
  });
  // 2 closed, 1 + 3 + 5 in s1, 4 in s2, and 1 for trainings.
  expect(spent).toEqual({ usd: 16, tokens: 150 });
});
