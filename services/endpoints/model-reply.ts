import type { FinishReason, Usage } from '../../method/records';

/** A token with its log probability, natural log. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** One generated token with the most likely alternatives at its position. */
export interface TokenChoice extends TokenLogprob {
  readonly topLogprobs: readonly TokenLogprob[];
}

export interface ReplyChoice {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly tokens: readonly TokenChoice[];
}

/** A reply of `/completions` or `/chat/completions`, in one shape. */
export interface ModelReply {
  readonly choices: readonly ReplyChoice[];
  readonly usage: Usage | null;
}

interface RawChoice {
  index?: number;
  text?: unknown;
  message?: { content?: unknown } | null;
  finish_reason?: string | null;
  logprobs?: RawLogprobs | null;
}

interface RawLogprobs {
  content?: { token?: string; logprob?: number; top_logprobs?: { token?: string; logprob?: number }[] }[] | null;
  tokens?: string[];
  token_logprobs?: (number | null)[];
  top_logprobs?: (Record<string, number> | null)[];
}

const FINISH_REASONS: readonly string[] = ['stop', 'length', 'content_filter', 'tool_calls', 'function_call'];

/**
 * Reads an endpoint's JSON body. Both shapes of logprobs are read: the chat shape (also llama.cpp's for completions)
 * and the legacy completions shape (OpenAI, vLLM).
 * @returns undefined when the body has no choices
 */
export function readReply(body: unknown): ModelReply | undefined {
  const { choices, usage } = (body ?? {}) as {
    choices?: (RawChoice | null)[];
    usage?: { prompt_tokens?: number; completion_tokens?: number };
  };
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  return {
    choices: choices
      .map((choice) => choice ?? {})
      .sort((a, b) => (a.index ?? 0) - (b.index ?? 0))
      .map((choice) => ({
        text: readText(choice),
        finishReason: FINISH_REASONS.includes(choice.finish_reason ?? '') ? (choice.finish_reason as FinishReason) : null,
        tokens: readTokens(choice.logprobs ?? undefined),
      })),
    usage:
      typeof usage?.prompt_tokens === 'number' && typeof usage.completion_tokens === 'number'
        ? { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }
        : null,
  };
}

/** Completion tokens that the endpoint reports, of all choices together; undefined when it reports none. */
export function completionTokensOf(body: unknown): number | undefined {
  const tokens = (body as { usage?: { completion_tokens?: unknown } | null } | null | undefined)?.usage?.completion_tokens;
  return typeof tokens === 'number' ? tokens : undefined;
}

function readText({ text, message }: RawChoice): string {
  const content = text ?? message?.content;
  return typeof content === 'string' ? content : '';
}

function readTokens(logprobs: RawLogprobs | undefined): TokenChoice[] {
  if (logprobs === undefined) return [];
  if (Array.isArray(logprobs.content)) {
    return logprobs.content.map((entry) => ({
      token: entry.token ?? '',
      logprob: entry.logprob ?? Number.NEGATIVE_INFINITY,
      topLogprobs: (entry.top_logprobs ?? []).map((top) => ({ token: top.token ?? '', logprob: top.logprob ?? Number.NEGATIVE_INFINITY })),
    }));
  }
  return (logprobs.tokens ?? []).map((token, index) => ({
    token,
    logprob: logprobs.token_logprobs?.[index] ?? Number.NEGATIVE_INFINITY,
    topLogprobs: Object.entries(logprobs.top_logprobs?.[index] ?? {}).map(([top, logprob]) => ({ token: top, logprob })),
  }));
}
