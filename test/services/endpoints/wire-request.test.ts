import { queryOf, wireBody, withOwnField } from '../../../services/endpoints/wire-request';

const asked = { messages: [], max_tokens: 64, temperature: 0, top_p: 1, seed: 7 };

test('a body without settings is sent as a stage asks for it', () => {
  expect(wireBody(asked, undefined)).toEqual(asked);
  expect(wireBody(asked, {})).toEqual(asked);
});

test('fields are added, left out and renamed', () => {
  const request = {
    body: { reasoning_effort: 'low', provider: { order: ['x'] } },
    omit: ['temperature', 'top_p', 'min_p'],
    rename: { max_tokens: 'max_completion_tokens', seed: 'random_seed' },
  };
  expect(wireBody(asked, request)).toEqual({
    messages: [],
    max_completion_tokens: 64,
    random_seed: 7,
    reasoning_effort: 'low',
    provider: { order: ['x'] },
  });
});

test('a field of the spec goes before the same one of a stage', () => {
  expect(wireBody({ prompt: 'x', top_k: -1 }, { body: { top_k: 40 } })).toEqual({ prompt: 'x', top_k: 40 });
});

test('fewer logprobs are asked for only where a stage asks for any', () => {
  const request = { body: { top_logprobs: 5 } };
  expect(wireBody({ ...asked, logprobs: true, top_logprobs: 20 }, request)).toMatchObject({ logprobs: true, top_logprobs: 5 });
  expect(wireBody(asked, request)).not.toHaveProperty('top_logprobs');
});

test('the query is written as a URL wants it', () => {
  expect(queryOf(undefined)).toBe('');
  expect(queryOf({ query: {} })).toBe('');
  expect(queryOf({ query: { 'api-version': '2024-10-21', a: 'b c&d' } })).toBe('?api-version=2024-10-21&a=b+c%26d');
});

test('a failure that names a renamed field is about the field that the stages know', () => {
  const failure = { scope: 'item', kind: 'refused', overloaded: false, message: '', param: 'max_completion_tokens' } as const;
  expect(withOwnField(failure, { rename: { max_tokens: 'max_completion_tokens' } }).param).toBe('max_tokens');
  expect(withOwnField(failure, undefined).param).toBe('max_completion_tokens');
});
