import { readReply } from '../../../services/endpoints/model-reply';

const NO_TOKENS = { tokens: [] };

test('a completion and a chat reply read alike', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  const expected = { choices: [{ text: 'hello', finishReason: 'stop', ...NO_TOKENS }], usage: { promptTokens: 3, completionTokens: 4 } };
  expect(readReply({ choices: [{ index: 0, text: 'hello', finish_reason: 'stop' }], usage })).toEqual(expected);
  expect(readReply({ choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }], usage })).toEqual(
    expected,
  );
});

test('samples come in the order of their index, whatever the order in the body', () => {
  const reply = readReply({
    choices: [
      { index: 2, text: 'c' },
      { index: 0, text: 'a' },
      { index: 1, text: 'b' },
    ],
  });
  expect(reply?.choices.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
});

test('the body is left as it was', () => {
  const body = Object.freeze({ choices: Object.freeze([Object.freeze({ index: 1, text: 'b' }), Object.freeze({ index: 0, text: 'a' })]) });
  expect(readReply(body)?.choices.map(({ text }) => text)).toEqual(['a', 'b']);
});

test.each([
  ['no body', undefined],
  ['null', null],
  ['a text', 'oops'],
  ['no choices', {}],
  ['empty choices', { choices: [] }],
  ['choices of another kind', { choices: {} }],
])('%s is no reply', (_, body) => {
  expect(readReply(body)).toBeUndefined();
});

test.each([
  ['content null', { message: { content: null } }],
  ['no message', {}],
  ['message null', { message: null, text: null }],
  ['a choice that is null', null],
  ['content that is no text', { message: { content: [{ type: 'text' }] } }],
])('%s is an empty text', (_, choice) => {
  expect(readReply({ choices: [choice] })?.choices[0]).toEqual({ text: '', finishReason: null, ...NO_TOKENS });
});

test.each([['stop'], ['length'], ['content_filter'], ['tool_calls'], ['function_call']])('finish reason %s is kept', (reason) => {
  expect(readReply({ choices: [{ text: '', finish_reason: reason }] })?.choices[0]?.finishReason).toBe(reason);
});

test.each([[''], [undefined]])('finish reason %p is none', (reason) => {
  expect(readReply({ choices: [{ text: '', finish_reason: reason }] })?.choices[0]?.finishReason).toBeNull();
});

test('a reply without an end that is as long as it may be was cut', () => {
  const body = { choices: [{ text: 'half' }], usage: { prompt_tokens: 1, completion_tokens: 8 } };
  expect(readReply(body, { max_tokens: 8 })?.choices[0]?.finishReason).toBe('length');
  expect(readReply(body, { max_tokens: 9 })?.choices[0]?.finishReason).toBeNull();
  const open = { ...body, choices: [{ text: 'half', finish_reason: null }] };
  expect(readReply(open, { max_tokens: 8 })?.choices[0]?.finishReason).toBe('length');
  expect(readReply(open, { max_tokens: 9 })?.choices[0]?.finishReason).toBe('ended: null');
});

describe('choices', () => {
  const textsOf = (...choices: readonly unknown[]): (string | undefined)[] | undefined =>
    readReply({ choices })?.choices.map(({ text }) => text);

  test('that came twice count once', () => {
    expect(textsOf({ index: 1, text: 'b' }, { index: 0, text: 'a' }, { index: 1, text: 'b' })).toEqual(['a', 'b']);
  });

  test('that all have one number are samples all the same, as some gateways send them', () => {
    expect(textsOf({ index: 0, text: 'a' }, { index: 0, text: 'b' }, { index: 0, text: 'a' })).toEqual(['a', 'b', 'a']);
  });

  test('without a number, or with one as text, keep their places', () => {
    expect(textsOf({ text: 'a' }, { text: 'b' })).toEqual(['a', 'b']);
    expect(textsOf({ index: '1', text: 'b' }, { index: '0', text: 'a' })).toEqual(['a', 'b']);
  });

  test.each([
    ['a text', 'oops'],
    ['a number', 3],
    ['a list', []],
  ])('that are %s are empty', (_, choice) => {
    expect(textsOf(choice)).toEqual(['']);
  });
});

test.each([
  ['negative', { prompt_tokens: 3, completion_tokens: -4 }],
  ['a fraction', { prompt_tokens: 3, completion_tokens: 4.5 }],
  ['a number', 7],
])('usage that is %s is unknown', (_, usage) => {
  expect(readReply({ choices: [{ text: '' }], usage })?.usage).toBeNull();
});

test('usage of prompt and total alone tells the rest', () => {
  expect(readReply({ choices: [{ text: '' }], usage: { prompt_tokens: 3, total_tokens: 10 } })?.usage).toEqual({
    promptTokens: 3,
    completionTokens: 7,
  });
});

test.each([
  ['none', undefined],
  ['null', null],
  ['half', { prompt_tokens: 3 }],
  ['text', { prompt_tokens: '3', completion_tokens: '4' }],
])('usage that is %s is unknown', (_, usage) => {
  expect(readReply({ choices: [{ text: '' }], usage })?.usage).toBeNull();
});

test('logprobs of a chat are read', () => {
  const content = [
    { token: 'Score', logprob: -0.1, top_logprobs: [{ token: 'Score', logprob: -0.1 }] },
    {
      token: '4',
      logprob: -0.5,
      top_logprobs: [
        { token: '4', logprob: -0.5 },
        { token: '5', logprob: -1 },
      ],
    },
  ];
  expect(readReply({ choices: [{ message: { content: 'Score4' }, logprobs: { content } }] })?.choices[0]?.tokens).toEqual([
    { token: 'Score', logprob: -0.1, topLogprobs: [{ token: 'Score', logprob: -0.1 }] },
    {
      token: '4',
      logprob: -0.5,
      topLogprobs: [
        { token: '4', logprob: -0.5 },
        { token: '5', logprob: -1 },
      ],
    },
  ]);
});

test('logprobs of a legacy completion read alike', () => {
  const logprobs = { tokens: ['A', '4'], token_logprobs: [null, -0.5], top_logprobs: [null, { '4': -0.5, '5': -1 }] };
  expect(readReply({ choices: [{ text: 'A4', logprobs }] })?.choices[0]?.tokens).toEqual([
    { token: 'A', logprob: Number.NEGATIVE_INFINITY, topLogprobs: [] },
    {
      token: '4',
      logprob: -0.5,
      topLogprobs: [
        { token: '4', logprob: -0.5 },
        { token: '5', logprob: -1 },
      ],
    },
  ]);
});

test.each([
  ['null', null],
  ['empty', {}],
  ['content null', { content: null }],
  ['a list', [{ token: 'a' }]],
  ['a number', 5],
  ['text where a list belongs', { tokens: 'abc', top_logprobs: 5 }],
])('logprobs that are %s are no tokens', (_, logprobs) => {
  expect(readReply({ choices: [{ text: 'x', logprobs }] })?.choices[0]?.tokens).toEqual([]);
});

test('logprobs of no known form never end a batch: what is no token has no text and no probability', () => {
  const content = [
    null,
    { token: 5, logprob: 'x', top_logprobs: { a: 1 } },
    { token: '4', logprob: -1, top_logprobs: [null, 'y', { token: '5' }] },
  ];
  const none = { token: '', logprob: Number.NEGATIVE_INFINITY };
  expect(readReply({ choices: [{ text: 'x', logprobs: { content } }] })?.choices[0]?.tokens).toEqual([
    { ...none, topLogprobs: [] },
    { ...none, topLogprobs: [] },
    { token: '4', logprob: -1, topLogprobs: [none, none, { ...none, token: '5' }] },
  ]);
  const legacy = { tokens: ['4', null], token_logprobs: 'x', top_logprobs: [['4'], { '5': 'x' }] };
  expect(readReply({ choices: [{ text: '4', logprobs: legacy }] })?.choices[0]?.tokens).toMatchObject([{ token: '4' }, none]);
});

test('lists in lists without end are no text, and a refusal may be a part', () => {
  const content: unknown = JSON.parse(`${'['.repeat(2000)}"deep"${']'.repeat(2000)}`);
  expect(readReply({ choices: [{ message: { content } }] })?.choices[0]?.text).toBe('');
  const refusal = [{ type: 'refusal', refusal: 'I cannot do that.' }];
  expect(readReply({ choices: [{ message: { content: refusal }, finish_reason: 'stop' }] })?.choices[0]?.text).toBe('I cannot do that.');
});
