import { NULL_END, readEnd } from '../../../services/endpoints/reply-ends';

/**
 * Ends as their makers list them: OpenAI and Azure (chat completion object), Anthropic and Bedrock (stop_reason, stopReason), Gemini
 * (FinishReason), Mistral (FinishReasonEnum), Together (FinishReason), Cohere (finish_reason), DeepSeek, OpenRouter (normalized reasons),
 * TGI (FinishReason), vLLM (FinishReason), SGLang (matched types), watsonx (stop_reason), GLM (finish_reason).
 */
test.each([
  'stop',
  'STOP',
  'FINISH_REASON_STOP',
  'FinishReason.STOP',
  'stop_sequence',
  'STOP_SEQUENCE',
  'end_turn',
  'end-turn',
  'eos',
  'eos_token',
  'COMPLETE',
])('%s is a whole text', (end) => {
  expect(readEnd({ finish_reason: end })).toBe('stop');
});

test.each(['length', 'max_tokens', 'MAX_TOKENS', 'model_length', 'model_context_window_exceeded', 'token_limit'])('%s is a cut', (end) => {
  expect(readEnd({ finish_reason: end })).toBe('length');
});

test.each([
  'content_filter',
  'content-filter',
  'SAFETY',
  'RECITATION',
  'PROHIBITED_CONTENT',
  'refusal',
  'guardrail_intervened',
  'ERROR_TOXIC',
])('%s is held back', (end) => {
  expect(readEnd({ finish_reason: end })).toBe('content_filter');
});

test.each(['tool_calls', 'tool_use', 'TOOL_CALL'])('%s is a call of a tool', (end) => {
  expect(readEnd({ finish_reason: end })).toBe('tool_calls');
});

test.each([
  ['error', 'ended: error'], // OpenRouter, Mistral, vLLM
  ['abort', 'ended: abort'], // vLLM, SGLang
  ['insufficient_system_resource', 'ended: insufficient_system_resource'], // DeepSeek
  ['network_error', 'ended: network_error'], // GLM
  ['OTHER', 'ended: other'], // Gemini
  ['MALFORMED_FUNCTION_CALL', 'ended: malformed_function_call'], // Gemini
  ['pause_turn', 'ended: pause_turn'], // Anthropic
  ['load', 'ended: load'], // Ollama
  ['cancelled', 'ended: cancelled'], // watsonx, TensorRT-LLM
  ['FINISH_REASON_UNSPECIFIED', 'ended: unspecified'], // Gemini
  [7, 'ended: 7'],
  ['…', 'ended: unknown'],
  [`<script>${'x'.repeat(500)}`, `ended: ${'script_'.padEnd(40, 'x')}`],
])('%s is no end of a whole text', (end, read) => {
  expect(readEnd({ finish_reason: end })).toBe(read);
});

test('an end that is an object is read by its type', () => {
  expect(readEnd({ finish_reason: { type: 'length', length: 64 } })).toBe('length');
  expect(readEnd({ finish_reason: { type: 'stop', matched: 2 } })).toBe('stop');
});

test('a choice that holds an error is broken, whatever it says of its end', () => {
  expect(readEnd({ finish_reason: 'stop', error: { code: 502, message: 'provider went away' } })).toBe('ended: error');
});

test('where no end is told, the stop that was met or the word of the server behind a gateway is one', () => {
  expect(readEnd({ finish_reason: null, stop_reason: '<|im_end|>' })).toBe('stop');
  expect(readEnd({ stop_reason: 151_645 })).toBe('stop');
  expect(readEnd({ finish_reason: null, native_finish_reason: 'MAX_TOKENS' })).toBe('length');
  expect(readEnd({ finish_reason: null, native_finish_reason: 'abort' })).toBe('ended: abort');
  expect(readEnd({})).toBeNull();
  expect(readEnd({ finish_reason: '' })).toBeNull();
});

test('null says that a text goes on, and so does its name as text', () => {
  expect(readEnd({ finish_reason: null })).toBe(NULL_END);
  expect(readEnd({ finish_reason: 'null' })).toBe(NULL_END);
  expect(readEnd({ finish_reason: null, native_finish_reason: null, stop_reason: null, error: null })).toBe(NULL_END);
});
