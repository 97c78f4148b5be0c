import { thinkingFields, thinkingIdentity, withRoom } from '../../config/thinking';

const local = 'http://127.0.0.1:8000/v1';

describe('the switch of thoughts', () => {
  it.each([
    [local, { mode: 'off' }, { chat_template_kwargs: { enable_thinking: false, thinking: false } }],
    [local, { mode: 'on' }, { chat_template_kwargs: { enable_thinking: true, thinking: true } }],
    [local, { mode: 'auto', effort: 'low' }, { chat_template_kwargs: { reasoning_effort: 'low' }, reasoning_effort: 'low' }],
    ['https://gpu.example.com/v1', { mode: 'off' }, { chat_template_kwargs: { enable_thinking: false, thinking: false } }],
    ['http://127.0.0.1:11434/v1', { mode: 'off' }, { reasoning_effort: 'none' }],
    ['https://api.openai.com/v1', { mode: 'on' }, { reasoning_effort: 'medium' }],
    ['https://api.openai.com/v1', { mode: 'on', effort: 'high' }, { reasoning_effort: 'high' }],
    ['https://my.openai.azure.com/openai/v1', { mode: 'off' }, { reasoning_effort: 'none' }],
    ['https://generativelanguage.googleapis.com/v1beta/openai', { mode: 'off' }, { reasoning_effort: 'none' }],
    ['https://api.groq.com/openai/v1', { mode: 'on' }, {}],
    ['https://api.mistral.ai/v1', { mode: 'on' }, { reasoning_effort: 'high' }],
    ['https://api.anthropic.com/v1', { mode: 'on', maxTokens: 2048 }, { thinking: { type: 'enabled', budget_tokens: 2048 } }],
    ['https://api.anthropic.com/v1', { mode: 'off' }, { thinking: { type: 'disabled' } }],
    ['https://openrouter.ai/api/v1', { mode: 'off' }, { reasoning: { enabled: false } }],
    ['https://openrouter.ai/api/v1', { mode: 'on', effort: 'low', maxTokens: 100 }, { reasoning: { effort: 'low' } }],
    ['https://openrouter.ai/api/v1', { mode: 'on', maxTokens: 100 }, { reasoning: { max_tokens: 100 } }],
    ['https://api.together.xyz/v1', { mode: 'off' }, { reasoning: { enabled: false } }],
    ['https://api.deepseek.com', { mode: 'on', effort: 'high' }, { thinking: { type: 'enabled' }, reasoning_effort: 'high' }],
    [
      'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
      { mode: 'on', maxTokens: 64 },
      { enable_thinking: true, thinking_budget: 64 },
    ],
    ['https://evilapi.openai.com.example.org/v1', { mode: 'off' }, { chat_template_kwargs: { enable_thinking: false, thinking: false } }],
  ] as const)('is said at %s, for %j', (baseURL, thinking, fields) => {
    expect(thinkingFields({ baseURL, thinking })).toEqual(fields);
  });

  it('is said to the template of a server that the run brings itself', () => {
    const serve = { engine: 'vllm', args: [] } as const;
    expect(thinkingFields({ baseURL: 'serve:', serve: { ...serve, args: [] }, thinking: { mode: 'off' } })).toHaveProperty(
      'chat_template_kwargs',
    );
  });

  it('says nothing where it is not set', () => {
    expect(thinkingFields({ baseURL: local })).toEqual({});
    expect(thinkingFields({ baseURL: local, thinking: { mode: 'auto', maxTokens: 100 } })).toEqual({});
    expect(thinkingIdentity({})).toEqual({});
    expect(thinkingIdentity({ thinking: { mode: 'auto' } })).toEqual({});
    expect(thinkingIdentity({ thinking: { mode: 'auto', maxTokens: 1 } })).toEqual({ thinking: { mode: 'auto', maxTokens: 1 } });
  });

  it('gives room beside the reply, unless thoughts are off', () => {
    const sampling = { temperature: 0, topP: 1, maxTokens: 512 };
    expect(withRoom(sampling, { thinking: { mode: 'auto', maxTokens: 2000 } }).maxTokens).toBe(2512);
    expect(withRoom(sampling, { thinking: { mode: 'off', maxTokens: 2000 } }).maxTokens).toBe(512);
    expect(withRoom(sampling, {})).toEqual(sampling);
  });
});
