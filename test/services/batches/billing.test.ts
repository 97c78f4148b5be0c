import { billedOf, boundOf, countedOf, usageOfReply } from '../../../services/batches/billing';
import type { ModelRequest } from '../../../services/endpoints/model-client';
import { classifyModelError, type ModelFailure } from '../../../services/endpoints/model-errors';

const failure = (change: Partial<ModelFailure>): ModelFailure => ({
  scope: 'transient',
  kind: 'refused',
  overloaded: false,
  message: '',
  ...change,
});

describe('what a failed request is taken to be billed', () => {
  test.each([
    ['an overload', failure({ status: 503 }), 'nothing'],
    ['a rate limit', failure({ status: 429 }), 'nothing'],
    ['a wrong key', failure({ scope: 'permanent', status: 401 }), 'nothing'],
    ['a gateway that did not wait for its server', failure({ status: 504 }), 'unknown'],
    ['a timeout', failure({}), 'unknown'],
    ['a refusal, since some bill prompts that they moderate', failure({ scope: 'item', status: 400 }), 'prompt'],
    ['a request that was not sent', failure({ unsent: true }), 'nothing'],
  ] as const)('%s', (_name, given, billed) => {
    expect(billedOf(given)).toBe(billed);
  });

  test.each(['ECONNREFUSED', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'])(
    '%s comes before anything is sent',
    (code) => {
      expect(billedOf(classifyModelError(Object.assign(new Error('no'), { code }), 0))).toBe('nothing');
    },
  );

  test.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_BODY_TIMEOUT'])('%s may come after the request was sent', (code) => {
    expect(billedOf(classifyModelError(Object.assign(new Error('no'), { code }), 0))).toBe('unknown');
  });
});

describe('the most that a call can cost', () => {
  const completion = (body: ModelRequest['body']): ModelRequest => ({ path: 'completions', body, tokenEstimate: 1 });

  test('is a token for each byte of the prompt, not for each character, and what a template may add', () => {
    const ascii = boundOf(completion({ prompt: 'abcd', max_tokens: 10 }));
    expect(boundOf(completion({ prompt: '字字字字', max_tokens: 10 })).promptTokens).toBe(ascii.promptTokens + 8);
    expect(ascii.promptTokens).toBeGreaterThan(4);
  });

  test('is all samples at their longest', () => {
    expect(boundOf(completion({ prompt: '', n: 3, max_tokens: 100 })).completionTokens).toBe(300);
    expect(boundOf(completion({ prompt: '', max_tokens: 100 })).completionTokens).toBe(100);
  });

  test('counts every message', () => {
    const one = boundOf({
      path: 'chat/completions',
      body: { messages: [{ role: 'user', content: 'abc' }], max_tokens: 1 },
      tokenEstimate: 1,
    });
    const two = boundOf({
      path: 'chat/completions',
      body: {
        messages: [
          { role: 'user', content: 'abc' },
          { role: 'user', content: 'abc' },
        ],
        max_tokens: 1,
      },
      tokenEstimate: 1,
    });
    expect(two.promptTokens - one.promptTokens).toBeGreaterThan(3);
  });
});

describe('the usage of a reply', () => {
  test('is what it reports', () => {
    expect(usageOfReply({ usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } })).toBeUndefined();
    expect(usageOfReply({ usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })).toEqual({
      promptTokens: 3,
      completionTokens: 4,
    });
  });

  test('holds tokens that only the total tells of', () => {
    expect(usageOfReply({ usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 100 } })).toEqual({
      promptTokens: 3,
      completionTokens: 97,
    });
  });

  test.each([
    undefined,
    null,
    {},
    { usage: null },
    { usage: { prompt_tokens: -1, completion_tokens: 2 } },
    { usage: { prompt_tokens: 'many', completion_tokens: 2 } },
    { usage: { prompt_tokens: Infinity, completion_tokens: 2 } },
  ])('is not known from %j', (reply) => expect(usageOfReply(reply)).toBeUndefined());

  test('does not matter where it was settled otherwise', () => {
    expect(countedOf({ counted: { promptTokens: 9, completionTokens: 9 } })).toEqual({ promptTokens: 9, completionTokens: 9 });
  });
});
