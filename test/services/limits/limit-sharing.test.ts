import { checkLimits } from '../../../cli/doctor/check-limits';
import { limitSharing, LimitSharingError, partSharing } from '../../../services/limits/limit-sharing';
import { RedisUrlError } from '../../../services/limits/redis-url';

const silent = { info: () => undefined, warn: () => undefined };
const LIMITS = { concurrency: 32, requestsPerMinute: 1_000, tokensPerMinute: 2, adaptive: true };

test('without anything, a process takes the whole of the limits', () => {
  expect(limitSharing({}, silent).limits(LIMITS)).toEqual(LIMITS);
});

test('of several processes each takes its part, rounded down, and never nothing', () => {
  const sharing = limitSharing({ REHEARSE_LLM_WORKERS: '3' }, silent);
  expect(sharing.limits(LIMITS)).toEqual({ concurrency: 10, requestsPerMinute: 333, tokensPerMinute: 1, adaptive: true });
  expect(sharing.description).toContain('1/3');
  expect(partSharing(2).limits({ concurrency: 5 })).toMatchObject({ concurrency: 2 });
});

test.each(['0', '-1', 'two', '1.5', '99999'])('REHEARSE_LLM_WORKERS=%s is refused with the way out', (workers) => {
  expect(() => limitSharing({ REHEARSE_LLM_WORKERS: workers }, silent)).toThrow(LimitSharingError);
});

test('through Redis, limits are the whole, and the password shows nowhere', () => {
  const sharing = limitSharing({ REHEARSE_REDIS_URL: 'redis://user:s3cret-word@127.0.0.1:6390/2' }, silent);
  expect(sharing.limits(LIMITS)).toEqual(LIMITS);
  expect(sharing.description).toContain('127.0.0.1:6390');
  expect(sharing.description).not.toContain('s3cret');
  sharing.close();
});

test.each(['s3cret-word', 'http://:s3cret-word@host', 'redis://'])('what is no Redis URL is refused without being repeated', (url) => {
  const opening = (): unknown => limitSharing({ REHEARSE_REDIS_URL: url }, silent);
  expect(opening).toThrow(RedisUrlError);
  expect(opening).not.toThrow(/s3cret/);
});

describe('doctor', () => {
  test('says which it is', async () => {
    expect(await checkLimits({ REHEARSE_LLM_WORKERS: '4' })).toMatchObject({
      check: 'limits',
      state: 'ok',
      message: expect.stringContaining('1/4') as string,
    });
    expect(await checkLimits({ REHEARSE_LLM_WORKERS: 'four' })).toMatchObject({ state: 'fail' });
  });

  test('fails where nothing answers, with the reason and without the password', async () => {
    const finding = await checkLimits({ REHEARSE_REDIS_URL: 'redis://:s3cret-word@127.0.0.1:1' });
    expect(finding).toMatchObject({ state: 'fail', message: expect.stringMatching(/127\.0\.0\.1:1 .*ECONNREFUSED/) as string });
    expect(JSON.stringify(finding)).not.toContain('s3cret');
  });
});
