import { namedField } from '../../../services/endpoints/named-field';

const sent = { messages: [], max_tokens: 64, temperature: 0, top_p: 1, seed: 7, n: 3, stop: ['x'] };

function fieldOf(message: string, { status = 400, param }: { readonly status?: number; readonly param?: string } = {}): string | undefined {
  const failure = {
    scope: 'item',
    kind: 'refused',
    overloaded: false,
    status,
    message,
    ...(param === undefined ? {} : { param }),
  } as const;
  return namedField(failure, sent).param;
}

/** Sentences of OpenAI, Anthropic, Groq, Gemini, serde (mistral.rs), JSON Schema (Cloudflare), LiteLLM and vLLM. */
test.each([
  ['Unrecognized request argument supplied: seed', 'seed'],
  ['`temperature` and `top_p` cannot both be specified for this model. Please use only one.', 'top_p'],
  ["property 'seed' is unsupported", 'seed'],
  ["'n' : number must be at most 1", 'n'],
  ['n > 1 is not supported', 'n'],
  ['unknown field `stop`, expected one of `model`, `messages`', 'stop'],
  ["Additional properties are not allowed ('seed' was unexpected)", 'seed'],
  ['litellm.UnsupportedParamsError: x does not support parameters: ["top_p"]', 'top_p'],
  ['body.seed: Extra inputs are not permitted', 'seed'],
  ['max_tokens is too large: 64', 'max_tokens'],
])('%s', (message, field) => {
  expect(fieldOf(message)).toBe(field);
});

test.each([
  'The request could not be understood',
  'Only one candidate can be specified in the current model',
  'Please stop sending n requests', // words, no names
  "Unsupported parameter: 'frequency_penalty'", // nobody sent it
])('no field is read out of: %s', (message) => {
  expect(fieldOf(message)).toBeUndefined();
});

test('what the endpoint itself names goes first, and is the field at the top', () => {
  expect(fieldOf('seed is odd', { param: 'body.messages[0].content' })).toBe('messages');
});

test('an overload names no field, whatever it says', () => {
  expect(fieldOf("'seed'", { status: 503 })).toBeUndefined();
});
