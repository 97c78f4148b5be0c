import type { FinishReason, Usage } from '../../method/records';
import { NULL_END, readEnd, type RawEnd } from './reply-ends';
import { type RawText, readText, thoughtTokensOf } from './reply-text';
import { readRowUsage, readUsage } from './reply-usage';

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
  /** Thoughts that the endpoint keeps apart from the text. */
  readonly reasoning?: string;
  readonly finishReason: FinishReason;
  readonly tokens: readonly TokenChoice[];
}

/** A reply of `/completions` or `/chat/completions`, in one shape. */
export interface ModelReply {
  readonly choices: readonly ReplyChoice[];
  readonly usage: Usage | null;
  /** Tokens of thoughts, of all choices together, where the endpoint tells of any. */
  readonly thoughtTokens?: number;
}

interface RawChoice extends RawEnd, RawText {
  index?: unknown;
  logprobs?: unknown;
}

/** Logprobs of both shapes; no field of them is taken on trust. */
interface RawLogprobs {
  content?: unknown;
  tokens?: unknown;
  token_logprobs?: unknown;
  top_logprobs?: unknown;
}

/**
 * Reads an endpoint's JSON body. Both shapes of logprobs are read: the chat shape (also llama.cpp's for completions)
 * and the legacy completions shape (OpenAI, vLLM).
 * @param asked the request's body, which tells whether a reply without an end was as long as it may be
 * @returns undefined when the body has no choices
 */
export function readReply(body: unknown, asked: Readonly<Record<string, unknown>> = {}): ModelReply | undefined {
  const { choices } = (body ?? {}) as { choices?: unknown };
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  const usage = readRowUsage(body);
  const thoughtTokens = thoughtTokensOf((body as { usage?: unknown }).usage);
  const isFull = choices.length === 1 && usage !== null && usage.completionTokens >= Number(asked['max_tokens']);
  return {
    ...(thoughtTokens === 0 ? {} : { thoughtTokens }),
    choices: inOrder(choices.map((choice: unknown) => (isRecord(choice) ? (choice as RawChoice) : {}))).map((choice) => ({
      ...readText(choice),
      finishReason: endOf(choice, isFull),
      tokens: isRecord(choice.logprobs) ? readTokens(choice.logprobs) : [],
    })),
    usage,
  };
}

/** A text that is as long as it may be was cut, where no end is told. */
function endOf(choice: RawChoice, isFull: boolean): FinishReason {
  const end = readEnd(choice);
  return isFull && (end === null || end === NULL_END) ? 'length' : end;
}

/**
 * By index, whatever the order in the body. Of choices with the same number the first counts; where all have one number (some
 * gateways give each a 0), each is a sample.
 */
function inOrder(choices: readonly RawChoice[]): RawChoice[] {
  const indexed = choices.map((choice) => ({ choice, index: Number.isInteger(Number(choice.index)) ? Number(choice.index) : 0 }));
  const numbered = new Set(indexed.map(({ index }) => index)).size > 1;
  const firstAt = new Map(indexed.map(({ index }, position) => [index, position] as const).reverse());
  return indexed
    .filter(({ choice, index }, position) => !numbered || (choice.index ?? null) === null || firstAt.get(index) === position)
    .sort((a, b) => a.index - b.index)
    .map(({ choice }) => choice);
}

/** Completion tokens that the endpoint reports, of all choices together; undefined when it reports none. */
export function completionTokensOf(body: unknown): number | undefined {
  return readUsage(body)?.completionTokens;
}

function readTokens({ content, tokens, token_logprobs: logprobs, top_logprobs: tops }: RawLogprobs): TokenChoice[] {
  if (Array.isArray(content)) {
    return content.map((entry: unknown) => ({
      ...tokenOf(entry),
      topLogprobs: listOf(isRecord(entry) ? entry['top_logprobs'] : undefined).map(tokenOf),
    }));
  }
  return listOf(tokens).map((token, index) => ({
    ...tokenOf({ token, logprob: listOf(logprobs)[index] }),
    topLogprobs: Object.entries(recordOf(listOf(tops)[index])).map(([top, logprob]) => tokenOf({ token: top, logprob })),
  }));
}

/** A token; what is none has no text and no probability. */
function tokenOf(entry: unknown): TokenLogprob {
  const { token, logprob } = recordOf(entry);
  return { token: typeof token === 'string' ? token : '', logprob: typeof logprob === 'number' ? logprob : Number.NEGATIVE_INFINITY };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
