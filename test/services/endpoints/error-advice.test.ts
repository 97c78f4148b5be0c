import { adviceFor } from '../../../services/endpoints/error-advice';

test.each(['auth', 'not_found', 'redirect', 'no_host', 'tls', 'bad_body', 'quota', 'refused', 'server_error'] as const)(
  'there is advice for %s',
  (kind) => {
    expect(adviceFor({ kind })).toMatch(/\b(baseURL|check|resume)\b/);
  },
);

describe('the advice on a refusal', () => {
  const request = { path: 'completions', body: { prompt: 'x', n: 3, max_tokens: 64, logprobs: 20 } };

  test('names what the request asked for that an endpoint may lack', () => {
    const advice = adviceFor({ kind: 'refused' }, request);
    expect(advice).toContain('n = 3 samples: set supportsN: false');
    expect(advice).toContain('synthesis.judge.scoring: text');
    expect(advice).toContain('up to 64 tokens: lower maxTokens');
    expect(advice).toContain('template');
  });

  test('is about one parameter where the endpoint names it', () => {
    expect(adviceFor({ kind: 'refused', param: 'n' }, request)).toBe(
      'the requests ask for n = 3 samples: set supportsN: false for this model if it does not take n',
    );
    expect(adviceFor({ kind: 'refused', param: 'top_logprobs' }, request)).toMatch(/^the requests ask for logprobs/);
  });

  test('does not name what was not asked for', () => {
    expect(adviceFor({ kind: 'refused', param: 'n' }, { path: 'chat/completions', body: { messages: [] } })).toBe(
      'check template, maxTokens and supportsN against what the endpoint allows',
    );
  });
});
