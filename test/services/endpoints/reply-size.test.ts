import { mostReplyBytes } from '../../../services/endpoints/reply-size';

test('a reply may be as long as the tokens that were asked for, and not much longer', () => {
  const most = mostReplyBytes({ max_tokens: 2048, n: 3 }, 1_000);
  expect(most).toBeGreaterThan(3 * 2048 * 100); // a hundred bytes a token
  expect(most).toBeLessThan(8_000_000);
});

test('probabilities take room where they are asked for', () => {
  const plain = mostReplyBytes({ max_tokens: 512 }, 100);
  const twenty = mostReplyBytes({ max_tokens: 512, logprobs: true, top_logprobs: 20 }, 100);
  expect(twenty - plain).toBeGreaterThan(512 * 21 * 200); // a token with its bytes as numbers takes some 100 to 200 bytes
  expect(mostReplyBytes({ max_tokens: 512, logprobs: 20 }, 100)).toBe(twenty);
});

test('a long prompt may come back', () => {
  expect(mostReplyBytes({ max_tokens: 1 }, 1_000_000)).toBeGreaterThan(1_000_000);
});
