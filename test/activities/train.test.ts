import { trainHeartbeat } from '../../activities/train';

const event = { v: 1 as const, at: '2026-01-01T00:00:00Z', type: 'progress' as const, phase: 'train', done: 3, total: 10 };

test('a heartbeat of training carries step, loss, tokens a second and the time left', () => {
  expect(trainHeartbeat({ ...event, loss: 1.23456, tokensPerSecond: 1234.5, etaSeconds: 5400 }, 'method')).toMatchObject({
    stage: 'train',
    model: 'method',
    done: 3,
    total: 10,
    note: 'train, loss 1.235, 1,235 tokens/s, 1h 30m left',
  });
});

test('before the first step it says only what is being done', () => {
  expect(trainHeartbeat({ ...event, phase: 'load model', done: 0, total: 1 }, 'method')?.note).toBe('load model');
  expect(trainHeartbeat({ v: 1, at: event.at, type: 'log', level: 'info', message: 'm' }, 'method')).toBeUndefined();
});
