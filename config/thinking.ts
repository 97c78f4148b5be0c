import type { ModelSpec, Sampling } from './spec';

/** Fields of a chat request that turn a model's thoughts on or off. */
type Dialect = (thinking: ThinkingSpec) => Readonly<Record<string, unknown>>;

type ThinkingSpec = NonNullable<ModelSpec['thinking']>;

/** Anthropic's least budget of thoughts, in tokens. */
export const LEAST_ANTHROPIC_BUDGET = 1024;

/**
 * Providers by the end of their host names, with the field that their API reference documents. Whoever is not among them is taken
 * for a server of one's own.
 */
const PROVIDERS: readonly (readonly [hosts: readonly string[], dialect: Dialect])[] = [
  [
    ['api.openai.com', '.openai.azure.com', '.services.ai.azure.com', 'api.x.ai', 'api.fireworks.ai', 'router.huggingface.co'],
    effort('medium'),
  ],
  [['generativelanguage.googleapis.com'], effort('medium')],
  [['api.groq.com'], effort(undefined)], // its models that think do so unless told otherwise, and each takes other efforts
  [['api.mistral.ai'], effort('high')],
  [['api.anthropic.com'], anthropic],
  [['openrouter.ai'], openRouter],
  [['api.together.xyz', 'api.together.ai'], together],
  [['api.deepseek.com', 'api.z.ai', 'open.bigmodel.cn', 'api.moonshot.ai', 'api.moonshot.cn', '.volces.com'], switched],
  [['.aliyuncs.com', 'api.siliconflow.com', 'api.siliconflow.cn'], enabled],
];

/** The port that Ollama listens on; it takes `reasoning_effort`, and no arguments of a template. */
const OLLAMA_PORT = '11434';

/** What `models.X.thinking` adds to the body of a chat request. */
export function thinkingFields(model: Pick<ModelSpec, 'thinking' | 'serve' | 'baseURL'>): Readonly<Record<string, unknown>> {
  const { thinking } = model;
  if (thinking === undefined || (thinking.mode === 'auto' && thinking.effort === undefined)) return {};
  return dialectOf(model)(thinking);
}

/** What a model's own chat template is told, of its many names for the switch the one that it knows. */
export function templateVariables({ thinking }: Pick<ModelSpec, 'thinking'>): Readonly<Record<string, unknown>> {
  const { mode = 'auto', effort: wanted } = thinking ?? {};
  return {
    ...(mode === 'auto' ? {} : { enable_thinking: mode === 'on', thinking: mode === 'on' }),
    ...(wanted === undefined || mode === 'off' ? {} : { reasoning_effort: wanted }),
  };
}

/** A stage's sampling with the room that a model's thoughts have of their own. */
export function withRoom(sampling: Sampling, model: Pick<ModelSpec, 'thinking'>): Sampling {
  return { ...sampling, maxTokens: sampling.maxTokens + roomFor(model) };
}

/** Tokens that a model's thoughts may take in each reply, besides the reply itself. */
export function roomFor({ thinking }: Pick<ModelSpec, 'thinking'>): number {
  return thinking === undefined || thinking.mode === 'off' ? 0 : (thinking.maxTokens ?? 0);
}

/** What of `models.X.thinking` changes replies, for stage keys: nothing where it is not set. */
export function thinkingIdentity({ thinking }: Pick<ModelSpec, 'thinking'>): { readonly thinking?: ThinkingSpec } {
  if (thinking === undefined || (thinking.mode === 'auto' && thinking.effort === undefined && thinking.maxTokens === undefined)) return {};
  return { thinking };
}

/** Whether a model is at Anthropic's own API. */
export function isAnthropic({ serve, baseURL }: Pick<ModelSpec, 'serve' | 'baseURL'>): boolean {
  return serve === undefined && dialectOf({ serve, baseURL }) === anthropic;
}

function dialectOf({ serve, baseURL }: Pick<ModelSpec, 'serve' | 'baseURL'>): Dialect {
  if (serve !== undefined) return templateArguments;
  const { hostname, port } = new URL(baseURL);
  const isAt = (host: string): boolean => hostname === host || hostname.endsWith(host.startsWith('.') ? host : `.${host}`);
  const known = PROVIDERS.find(([hosts]) => hosts.some(isAt));
  if (known !== undefined) return known[1];
  return port === OLLAMA_PORT ? effort('medium') : templateArguments;
}

/** `reasoning_effort`, where `none` turns thoughts off. @param whenOn what is sent where the spec names no effort */
function effort(whenOn: string | undefined): Dialect {
  return ({ mode, effort: wanted = mode === 'on' ? whenOn : undefined }) => {
    const value = mode === 'off' ? 'none' : wanted;
    return value === undefined ? {} : { reasoning_effort: value };
  };
}

function anthropic({ mode, maxTokens }: ThinkingSpec): Readonly<Record<string, unknown>> {
  if (mode === 'off') return { thinking: { type: 'disabled' } };
  const how = maxTokens === undefined ? { type: 'adaptive' } : { type: 'enabled', budget_tokens: maxTokens };
  return mode === 'on' ? { thinking: how } : {};
}

function openRouter({ mode, effort: wanted, maxTokens }: ThinkingSpec): Readonly<Record<string, unknown>> {
  if (mode === 'off') return { reasoning: { enabled: false } };
  // It takes one of the two.
  if (wanted !== undefined) return { reasoning: { effort: wanted } };
  return { reasoning: maxTokens === undefined ? { enabled: true } : { max_tokens: maxTokens } };
}

function together({ mode, effort: wanted }: ThinkingSpec): Readonly<Record<string, unknown>> {
  return {
    ...(mode === 'auto' ? {} : { reasoning: { enabled: mode === 'on' } }),
    ...(wanted === undefined || mode === 'off' ? {} : { reasoning_effort: wanted }),
  };
}

function switched({ mode, effort: wanted }: ThinkingSpec): Readonly<Record<string, unknown>> {
  return {
    ...(mode === 'auto' ? {} : { thinking: { type: mode === 'on' ? 'enabled' : 'disabled' } }),
    ...(wanted === undefined || mode === 'off' ? {} : { reasoning_effort: wanted }),
  };
}

function enabled({ mode, maxTokens }: ThinkingSpec): Readonly<Record<string, unknown>> {
  if (mode === 'auto') return {};
  return { enable_thinking: mode === 'on', ...(mode === 'on' && maxTokens !== undefined ? { thinking_budget: maxTokens } : {}) };
}

/** vLLM, SGLang and llama.cpp hand these to the model's chat template, which reads the name that it knows and no other. */
function templateArguments(thinking: ThinkingSpec): Readonly<Record<string, unknown>> {
  const { mode, effort: wanted } = thinking;
  return {
    chat_template_kwargs: templateVariables({ thinking }),
    ...(wanted === undefined || mode === 'off' ? {} : { reasoning_effort: wanted }),
  };
}
