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

describe('the advice on a field that an endpoint does not take is the line of the spec that mends it:', () => {
  const body = { messages: [], max_tokens: 64, temperature: 0, top_p: 0.9, seed: 7 };
  const request = { path: 'chat/completions', body };
  const line = (setting: string): string => `add this line to the model under models in the spec: request: {${setting}}`;

  test.each([
    ['max_tokens', 'rename: {max_tokens: max_completion_tokens}'],
    ['temperature', 'omit: [temperature]'],
    ['top_p', 'omit: [top_p]'],
    ['seed', 'omit: [seed]'],
  ])('%s', (param, setting) => {
    expect(adviceFor({ kind: 'unsupported', param }, request)).toBe(line(setting));
  });

  test('max_tokens, through a proxy that passes on the words alone', () => {
    const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    expect(adviceFor({ kind: 'refused', param: 'max_tokens', message }, request)).toBe(line('rename: {max_tokens: max_completion_tokens}'));
  });

  test('but a number that is too large is to be lowered', () => {
    const message = "'max_tokens' or 'max_completion_tokens' is too large: 64. This model's maximum context length is 32 tokens.";
    expect(adviceFor({ kind: 'refused', param: 'max_tokens', message }, request)).toMatch(/lower maxTokens/);
  });

  test("a field of the spec's own is to be removed", () => {
    expect(adviceFor({ kind: 'unsupported', param: 'top_k' }, request)).toBe('remove top_k from request.body of this model, or correct it');
  });

  test('a path that is not there says who can be a target', () => {
    expect(adviceFor({ kind: 'not_found' }, { path: 'completions', body: {} })).toMatch(/needs raw completions/);
    expect(adviceFor({ kind: 'not_found' }, request)).not.toMatch(/raw completions/);
  });
});
