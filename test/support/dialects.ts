import type { Dialect, DialectRequest, Refusal } from './dialect-server';

type Json = Record<string, unknown>;

/** OpenAI's error body, which Azure, Groq and others share. */
function openai(message: string, param: string | null, code: string | null, status = 400): Refusal {
  return { status, body: { error: { message, type: 'invalid_request_error', param, code } } };
}

const has = ({ body }: DialectRequest, field: string): boolean => body[field] !== undefined && body[field] !== null;
const asksForSeveral = ({ body }: DialectRequest): boolean => (body.n ?? 1) > 1;
const bearer = ({ headers }: DialectRequest): boolean => headers.authorization?.startsWith('Bearer ') === true;

function choices(reply: Json, change: (choice: Json) => Json): Json {
  return { ...reply, choices: (reply['choices'] as Json[]).map(change) };
}

/** Models of OpenAI that reason: no other temperature than 1, no top_p, no stop, no logprobs, and another name for max_tokens. */
function reasoningModel(request: DialectRequest): Refusal | undefined {
  const { body } = request;
  if (has(request, 'max_tokens')) {
    return openai(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      'unsupported_parameter',
    );
  }
  if (has(request, 'temperature') && body['temperature'] !== 1) {
    return openai(
      `Unsupported value: 'temperature' does not support ${String(body['temperature'])} with this model. Only the default (1) value is supported.`,
      'temperature',
      'unsupported_value',
    );
  }
  for (const field of ['top_p', 'stop', 'logprobs']) {
    if (has(request, field)) {
      return openai(`Unsupported parameter: '${field}' is not supported with this model.`, field, 'unsupported_parameter');
    }
  }
  return undefined;
}

/** By their headings in docs/endpoints.md. */
export const DIALECTS: Readonly<Record<string, Dialect>> = {
  'OpenAI: o-series, gpt-5': {
    base: '/v1',
    reference: 'https://platform.openai.com/docs/guides/reasoning',
    raw: 'none',
    maxTokensField: 'max_completion_tokens',
    refuses: reasoningModel,
  },
  'OpenAI: gpt-4.1 and older': {
    base: '/v1',
    reference: 'https://platform.openai.com/docs/api-reference/chat/create',
    raw: 'none',
    refuses: ({ body }) =>
      (body.top_logprobs ?? 0) > 20
        ? openai("Invalid value for 'top_logprobs': must be less than or equal to 20.", 'top_logprobs', 'integer_above_max_value')
        : undefined,
  },
  'Azure OpenAI, classic': {
    base: '/openai/deployments/judge',
    reference: 'https://learn.microsoft.com/azure/ai-foundry/openai/reference',
    raw: 'none',
    refuses: ({ query, headers }) => {
      if (query.get('api-version') === null) return { status: 404, body: { error: { code: '404', message: 'Resource not found' } } };
      const message = 'Access denied due to invalid subscription key or wrong API endpoint.';
      return headers['api-key'] === undefined || headers.authorization !== undefined
        ? { status: 401, body: { error: { code: '401', message } } }
        : undefined;
    },
    shape: (reply) => ({
      ...choices(reply, (choice) => ({ ...choice, content_filter_results: { hate: { filtered: false } } })),
      prompt_filter_results: [],
    }),
  },
  'Azure OpenAI, v1': {
    base: '/openai/v1',
    reference: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle',
    raw: 'none',
    maxTokensField: 'max_completion_tokens',
    refuses: (request) =>
      request.headers['api-key'] === undefined
        ? { status: 401, body: { error: { code: '401', message: 'Access denied.' } } }
        : reasoningModel(request),
  },
  'Anthropic, compatible API': {
    base: '/v1',
    reference: 'https://docs.anthropic.com/en/api/openai-sdk',
    raw: 'none',
    ignoresLogprobs: true,
    refuses: (request) => {
      const refused = (message: string): Refusal => ({
        status: 400,
        body: { error: { code: 'invalid_request_error', message, type: 'invalid_request_error', param: null } },
      });
      if (has(request, 'temperature') && has(request, 'top_p')) {
        return refused('`temperature` and `top_p` cannot both be specified for this model. Please use only one.');
      }
      return asksForSeveral(request) ? refused('n: must be exactly 1') : undefined;
    },
  },
  'Gemini, compatible API': {
    base: '/v1beta/openai',
    reference: 'https://ai.google.dev/gemini-api/docs/openai',
    raw: 'none',
    refuses: (request) => {
      const refused = (message: string): Refusal => ({
        status: 400,
        body: [{ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }],
      });
      if (has(request, 'seed')) return refused('Invalid JSON payload received. Unknown name "seed": Cannot find field.');
      return asksForSeveral(request) ? refused('Only one candidate can be specified in the current model') : undefined;
    },
    shape: (reply) =>
      choices(reply, (choice) => ({ ...choice, finish_reason: choice['finish_reason'] === 'length' ? 'MAX_TOKENS' : 'STOP' })),
  },
  Mistral: {
    base: '/v1',
    reference: 'https://docs.mistral.ai/api/endpoint/chat',
    raw: 'none',
    refuses: (request) => {
      const extra = ['seed', 'logprobs', 'top_logprobs', 'add_special_tokens'].find((field) => has(request, field));
      if (extra === undefined) return undefined;
      const detail = [{ type: 'extra_forbidden', loc: ['body', extra], msg: 'Extra inputs are not permitted', input: 1 }];
      return { status: 422, body: { object: 'error', message: { detail }, type: 'invalid_request_error', param: null, code: null } };
    },
    shape: (reply) =>
      choices(reply, (choice) => ({
        ...choice,
        finish_reason: choice['finish_reason'] === 'length' ? 'model_length' : choice['finish_reason'],
      })),
  },
  DeepSeek: {
    base: '',
    reference: 'https://api-docs.deepseek.com/api/create-chat-completion',
    raw: 'none',
    ignoresN: true,
    shape: (reply) =>
      choices(reply, (choice) => ({ ...choice, message: { ...(choice['message'] as Json), reasoning_content: 'Let me see.' } })),
  },
  OpenRouter: {
    base: '/api/v1',
    reference: 'https://openrouter.ai/docs/api-reference/overview',
    raw: 'none',
    ignoresN: true,
    shape: (reply) => choices(reply, (choice) => ({ ...choice, native_finish_reason: 'STOP' })),
  },
  Together: { base: '/v1', reference: 'https://docs.together.ai/reference/completions-1', raw: 'raw', end: 'eos' },
  Groq: {
    base: '/openai/v1',
    reference: 'https://console.groq.com/docs/openai',
    raw: 'none',
    refuses: (request) => {
      if (asksForSeveral(request)) return openai("'n' : number must be at most 1", null, null);
      return has(request, 'logprobs') ? openai("property 'logprobs' is unsupported, did you mean something else?", null, null) : undefined;
    },
  },
  Fireworks: {
    base: '/inference/v1',
    reference: 'https://docs.fireworks.ai/api-reference/post-chatcompletions',
    raw: 'raw',
    bos: 'flag',
    refuses: ({ body }) => {
      const most = Math.max(body.top_logprobs ?? 0, typeof body.logprobs === 'number' ? body.logprobs : 0);
      return most > 5
        ? {
            status: 400,
            body: {
              error: {
                object: 'error',
                type: 'invalid_request_error',
                code: 'invalid_request_error',
                message: 'top_logprobs must be between 0 and 5',
              },
            },
          }
        : undefined;
    },
  },
  "Hugging Face's router": {
    base: '/v1',
    reference: 'https://huggingface.co/docs/inference-providers/tasks/chat-completion',
    raw: 'none',
    end: 'eos_token',
    ignoresN: true,
    refuses: ({ body }) => {
      const topP = body['top_p'];
      const message = 'Input validation error: `top_p` must be > 0.0 and < 1.0';
      return typeof topP === 'number' && topP >= 1 ? { status: 422, body: { error: message, error_type: 'validation' } } : undefined;
    },
  },
  Ollama: { base: '/v1', reference: 'https://github.com/ollama/ollama/blob/main/docs/openai.md', raw: 'wrapped', ignoresN: true },
  'LM Studio': {
    base: '/v1',
    reference: 'https://lmstudio.ai/docs/app/api/endpoints/openai',
    raw: 'raw',
    bos: 'adds',
    ignoresN: true,
    ignoresLogprobs: true,
  },
  'llama.cpp': {
    base: '/v1',
    reference: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
    raw: 'raw',
    bos: 'adds',
  },
  vLLM: { base: '/v1', reference: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html', raw: 'raw', bos: 'flag' },
  SGLang: {
    base: '/v1',
    reference: 'https://docs.sglang.ai/basic_usage/openai_api_completions.html',
    raw: 'raw',
    bos: 'flag',
    shape: (reply) => choices(reply, (choice) => ({ ...choice, matched_stop: 2 })),
  },
  'A LiteLLM proxy': {
    base: '/v1',
    reference: 'https://docs.litellm.ai/docs/completion/drop_params',
    raw: 'none',
    refuses: (request) => {
      const unsupported = ['seed', 'logprobs', 'n'].find((field) => (field === 'n' ? asksForSeveral(request) : has(request, field)));
      if (!bearer(request)) {
        return {
          status: 401,
          body: { error: { message: 'Authentication Error, No api key passed in.', type: 'auth_error', param: 'None', code: '401' } },
        };
      }
      if (unsupported === undefined) return undefined;
      const message = `litellm.UnsupportedParamsError: bedrock does not support parameters: ['${unsupported}'], for model=claude. To drop these, set \`litellm.drop_params=True\`.`;
      return { status: 400, body: { error: { message, type: 'None', param: 'None', code: '400' } } };
    },
  },
};
