import { countOf, type Fields, fieldsOf, textOf } from './json';

/** Fields of a chat request that the Messages API does not have, or that are written otherwise there. */
const REWRITTEN: readonly string[] = ['messages', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'stop', 'seed', 'n'];

/**
 * A chat request as a request of the Messages API (https://platform.claude.com/docs/en/api/messages/create), by the rules of Anthropic's own
 * compatibility layer (https://platform.claude.com/docs/en/api/openai-sdk): `seed` is ignored, `temperature` ends at 1. Other fields, such as
 * `thinking` or `top_k`, go through as they are.
 */
export function messagesParams(body: Fields): Fields {
  const messages = (Array.isArray(body['messages']) ? body['messages'] : []).map(fieldsOf);
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => String(content));
  const { temperature, top_p: topP, stop } = body;
  return {
    ...Object.fromEntries(Object.entries(body).filter(([field]) => !REWRITTEN.includes(field))),
    max_tokens: body['max_tokens'] ?? body['max_completion_tokens'],
    messages: messages.filter(({ role }) => role === 'user' || role === 'assistant').map(({ role, content }) => ({ role, content })),
    ...(system.length === 0 ? {} : { system: system.join('\n') }),
    ...(typeof temperature === 'number' ? { temperature: Math.min(1, temperature) } : {}),
    ...(typeof topP === 'number' && topP < 1 ? { top_p: topP } : {}), // at 1 it does nothing, and newer models refuse it beside a temperature
    ...(stop === undefined || stop === null ? {} : { stop_sequences: Array.isArray(stop) ? stop : [stop] }),
  };
}

const ENDS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content_filter',
};

/** A message as the chat completion that a live call through the compatibility layer gives. */
export function chatCompletionOf(message: unknown): unknown {
  const fields = fieldsOf(message);
  const blocks = (Array.isArray(fields['content']) ? fields['content'] : []).map(fieldsOf);
  const joined = (type: string, field: string): string =>
    blocks
      .filter((block) => block['type'] === type)
      .map((block) => textOf(block[field]) ?? '')
      .join('');
  const thoughts = joined('thinking', 'thinking');
  const usage = fieldsOf(fields['usage']);
  const cached = countOf(usage['cache_read_input_tokens']);
  const prompt = countOf(usage['input_tokens']) + cached + countOf(usage['cache_creation_input_tokens']);
  const completion = countOf(usage['output_tokens']);
  const end = textOf(fields['stop_reason']);
  return {
    id: fields['id'],
    object: 'chat.completion',
    model: fields['model'],
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: joined('text', 'text'), ...(thoughts === '' ? {} : { reasoning_content: thoughts }) },
        finish_reason: end === undefined ? null : (ENDS[end] ?? end),
      },
    ],
    ...(fields['usage'] === undefined
      ? {}
      : {
          usage: {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            ...(cached === 0 ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
          },
        }),
  };
}
