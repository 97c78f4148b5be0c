import { readReply } from '../../../services/endpoints/model-reply';
import { readText } from '../../../services/endpoints/reply-text';

/** Shapes of messages, from the API references and trackers of those named. */
describe('the text of a choice', () => {
  it.each<[string, object, { text: string; reasoning?: string }]>([
    ['a plain message', { message: { content: 'B' } }, { text: 'B' }],
    ['a raw completion', { text: 'B' }, { text: 'B' }],
    ['null', { message: { content: null } }, { text: '' }],
    ['nothing', {}, { text: '' }],
    [
      'text parts (OpenAI, LiteLLM)',
      {
        message: {
          content: [
            { type: 'text', text: 'B' },
            { type: 'text', text: 'C' },
          ],
        },
      },
      { text: 'BC' },
    ],
    [
      'thinking with parts of its own (Mistral)',
      {
        message: {
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'a' }] },
            { type: 'text', text: 'B' },
          ],
        },
      },
      { text: 'B', reasoning: 'a' },
    ],
    [
      'thinking as a string (Anthropic)',
      {
        message: {
          content: [
            { type: 'thinking', thinking: 'a', signature: 'x' },
            { type: 'redacted_thinking', data: 'y' },
            { type: 'text', text: 'B' },
          ],
        },
      },
      { text: 'B', reasoning: 'a' },
    ],
    ['strings as parts', { message: { content: ['B', 'C'] } }, { text: 'BC' }],
    ['reasoning_content (DeepSeek, llama.cpp)', { message: { content: 'B', reasoning_content: 'a' } }, { text: 'B', reasoning: 'a' }],
    ['reasoning (vLLM)', { message: { content: 'B', reasoning: 'a' } }, { text: 'B', reasoning: 'a' }],
    [
      'reasoning and its old name (vLLM)',
      { message: { content: 'B', reasoning: 'a', reasoning_content: 'a' } },
      { text: 'B', reasoning: 'a' },
    ],
    ['reasoning beside null', { message: { content: null, reasoning_content: 'a' } }, { text: '', reasoning: 'a' }],
    [
      'details (OpenRouter)',
      {
        message: {
          content: 'B',
          reasoning: null,
          reasoning_details: [
            { type: 'reasoning.summary', summary: 'a' },
            { type: 'reasoning.encrypted', data: 'z' },
          ],
        },
      },
      { text: 'B', reasoning: 'a' },
    ],
    [
      'blocks (LiteLLM)',
      { message: { content: 'B', thinking_blocks: [{ type: 'thinking', thinking: 'a', signature: 's' }] } },
      { text: 'B', reasoning: 'a' },
    ],
    ['empty thoughts', { message: { content: 'B', reasoning_content: '', reasoning: null } }, { text: 'B' }],
    ['numbers and nonsense', { message: { content: [1, null, { type: 'image_url' }, { type: 'text' }] } }, { text: '' }],
  ])('is read: %s', (_name, choice, read) => {
    expect(readText(choice)).toEqual(read);
  });

  it('tells of thoughts that are only counted', () => {
    const body = (usage: object): unknown => ({ choices: [{ message: { content: '' } }], usage });
    expect(readReply(body({ completion_tokens_details: { reasoning_tokens: 64 } }))).toMatchObject({ thoughtTokens: 64 });
    expect(readReply(body({ reasoning_tokens: 8 }))).toMatchObject({ thoughtTokens: 8 });
    expect(readReply(body({ completion_tokens_details: null }))).not.toHaveProperty('thoughtTokens');
    expect(readReply(body({ completion_tokens_details: { reasoning_tokens: 0 } }))).not.toHaveProperty('thoughtTokens');
  });
});
