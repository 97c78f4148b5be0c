import { parseSpec } from '../../config/load-spec';
import { SpecError } from '../../config/spec-errors';
import { specWith } from './valid-spec';

function sentencesOf(request: unknown): string[] {
  try {
    parseSpec(specWith('models/other/request', request));
    return [];
  } catch (error) {
    if (error instanceof SpecError) return error.message.split('\n');
    throw error;
  }
}

/** Settings that providers' references ask for: OpenAI, Azure, Mistral, vLLM, OpenRouter, Anthropic. */
test.each([
  [{ rename: { max_tokens: 'max_completion_tokens' }, omit: ['temperature', 'top_p', 'stop'], body: { reasoning_effort: 'low' } }],
  [{ query: { 'api-version': '2024-10-21' }, headersEnv: { 'api-key': 'AZURE_OPENAI_API_KEY' } }],
  [{ rename: { seed: 'random_seed' } }],
  [{ body: { top_k: 20, min_p: 0, chat_template_kwargs: { enable_thinking: false }, skip_special_tokens: false } }],
  [{ body: { provider: { order: ['a', 'b'], allow_fallbacks: false } }, headersEnv: { 'HTTP-Referer': 'SITE' } }],
  [{ omit: ['top_p', 'seed'], headersEnv: { 'anthropic-version': 'ANTHROPIC_VERSION' } }],
  [{}],
])('%j can be said', (request) => {
  expect(sentencesOf(request)).toEqual([]);
});

test.each([
  [
    { body: { temperature: 0 } },
    /^models\.other\.request\.body\.temperature: got 0, .*; write it under sampling or perModel of the stage\.$/,
  ],
  [{ body: { stream: true } }, /replies are read whole; remove it/],
  [{ body: { n: 4 } }, /write it as synthesis\.respond\.samples/],
  [{ body: { max_completion_tokens: 9 } }, /write request\.rename: \{max_tokens: max_completion_tokens\}, and maxTokens/],
  [{ body: { top_k: 1 }, omit: ['top_k'] }, /not under omit too/],
  [{ omit: ['max_tokens'] }, /request\.omit\[0\]: .*rename it where the endpoint calls it otherwise/],
  [{ omit: ['seed'], rename: { seed: 'random_seed' } }, /not under rename too/],
  [{ rename: { seed: 'max_tokens' } }, /a name that no other field of the request has/],
  [{ rename: { a: 'x', b: 'x' } }, /a name that no other field of the request has/],
  [{ rename: { messages: 'input' } }, /messages has this name everywhere/],
  [{ headersEnv: { 'Content-Type': 'X' } }, /a header that the client does not write itself/],
  [{ headersEnv: { Authorization: 'X' } }, /no second authorization beside apiKeyEnv/],
  [{ headersEnv: { 'api-key': 'a key itself' } }, /request\.headersEnv\.api-key: .*NAME of an environment variable/],
  [{ headersEnv: { 'two words': 'X' } }, /the name of an HTTP header/],
  [{ query: { key: 'abc' } }, /request\.query\.key: got a hidden value, .*send the key as a header/],
  [{ query: { 'subscription-key': 'abc' } }, /send the key as a header/],
  [{ queries: {} }, /did you mean|rename it or remove it|one of the keys/],
])('%j is refused with the way out', (request, sentence) => {
  const sentences = sentencesOf(request);
  expect(sentences.join('\n')).toMatch(sentence);
});
