import { createHash } from 'node:crypto';

/** A body of `/completions` or `/chat/completions`, as far as the fake endpoint reads it. */
export interface CompletionBody {
  readonly model?: string;
  readonly prompt?: string;
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
  readonly n?: number;
  readonly seed?: number;
  readonly max_tokens?: number;
  readonly stop?: readonly string[] | string | null;
  /** `true` for chat, a number of alternatives for completions. */
  readonly logprobs?: boolean | number | null;
  readonly top_logprobs?: number;
}

/** What the model says for one sample; `finishReason` is worked out from stop strings and `max_tokens` when left out. */
export interface FakeText {
  readonly text: string;
  readonly finishReason?: 'stop' | 'length' | 'content_filter';
}

interface Alternative {
  readonly token: string;
  readonly logprob: number;
}

const TOPICS = [
  'a rain barrel',
  'a sourdough loaf',
  'a linear regression',
  'a bicycle chain',
  'a haiku',
  'a tax return',
  'a tide table',
  'a binary tree',
];
const ASKS = [
  'Explain how to plan',
  'What goes wrong most often with',
  'Give me five tips for',
  'How do I repair',
  'Compare two ways to make',
  'Write a short story about',
];

/**
 * The deterministic reply of the fake model: a judge's verdict that ends with `Score: k` where the prompt asks for one,
 * a bare rating after a forced `Score:`, a new instruction for a raw prompt, and an answer for a chat. The same body and
 * sample always give the same text; another seed gives another.
 */
export function defaultReply(path: string, body: CompletionBody, sample: number): FakeText {
  const digest = digestOf(path, body, sample);
  const prompt = promptOf(body);
  if (/Score:\s*$/.test(prompt)) return { text: String(ratingOf(digest)), finishReason: 'length' };
  if (prompt.includes('write "Score: <rating>" in the last line')) {
    return { text: `The response fits the request in ${digest.readUInt8(1)} of 255 respects.\n\nScore: ${ratingOf(digest)}` };
  }
  const mark = digest.toString('hex').slice(0, 10);
  if (path === 'completions') {
    return { text: `${pick(ASKS, digest, 1)} ${pick(TOPICS, digest, 2)} (case ${mark})?` };
  }
  return { text: `Answer ${mark} to "${prompt.replace(/\s+/g, ' ').slice(0, 60)}": begin with ${pick(TOPICS, digest, 3)}.` };
}

/** The text of a request: its raw prompt, or its last message. */
export function promptOf(body: CompletionBody): string {
  return body.prompt ?? body.messages?.at(-1)?.content ?? '';
}

/** Cuts a text into tokens that join to it again; digits are tokens of their own, as in most vocabularies. */
export function tokenize(text: string): string[] {
  return text.match(/ ?\p{L}+|\d|./gsu) ?? [];
}

/** Shape of `logprobs` of `/completions`: OpenAI and vLLM send `legacy`, llama.cpp sends the one of chat. */
export type CompletionLogprobs = 'legacy' | 'chat';

/** One entry of `choices`. */
export function choiceOf(
  path: string,
  body: CompletionBody,
  index: number,
  reply: FakeText,
  shape: CompletionLogprobs,
): Record<string, unknown> {
  const stops = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  const cuts = stops.map((stop) => reply.text.indexOf(stop)).filter((position) => position >= 0);
  const stopped = cuts.length === 0 ? reply.text : reply.text.slice(0, Math.min(...cuts));
  const all = tokenize(stopped);
  const tokens = all.slice(0, body.max_tokens ?? all.length);
  const finishReason = reply.finishReason ?? (tokens.length < all.length ? 'length' : 'stop');
  const text = tokens.join('');
  const chat = path === 'chat/completions';
  const wanted = chat ? (body.logprobs === true ? (body.top_logprobs ?? 0) : -1) : typeof body.logprobs === 'number' ? body.logprobs : -1;
  const logprobs = wanted < 0 ? null : logprobsOf(tokens, wanted, digestOf(path, body, index), chat || shape === 'chat');
  return { index, ...(chat ? { message: { role: 'assistant', content: text } } : { text }), finish_reason: finishReason, logprobs };
}

/** Tokens that a choice was charged for. */
export function completionTokens(choice: Record<string, unknown>): number {
  const { message, text } = choice as { message?: { content: string }; text?: string };
  return tokenize(message?.content ?? text ?? '').length;
}

function logprobsOf(tokens: readonly string[], count: number, digest: Buffer, chatShape: boolean): unknown {
  const entries = tokens.map((token) => ({ token, alternatives: alternativesOf(token, digest).slice(0, count) }));
  const own = (entry: { token: string; alternatives: readonly Alternative[] }): number =>
    entry.alternatives.find(({ token }) => token === entry.token)?.logprob ?? -0.1;
  if (chatShape) {
    return {
      content: entries.map((entry) => ({
        token: entry.token,
        logprob: own(entry),
        top_logprobs: entry.alternatives.map(({ token, logprob }) => ({ token, logprob })),
      })),
    };
  }
  return {
    tokens: entries.map(({ token }) => token),
    token_logprobs: entries.map(own),
    top_logprobs: entries.map(({ alternatives }) => Object.fromEntries(alternatives.map(({ token, logprob }) => [token, logprob]))),
  };
}

/** A rating has the other four ratings as alternatives (0.8 of the mass together), any other token only itself. */
function alternativesOf(token: string, digest: Buffer): Alternative[] {
  if (!/^[1-5]$/.test(token)) return [{ token, logprob: Math.log(0.9) }];
  const weights = ['1', '2', '3', '4', '5'].map((rating, index) => ({
    rating,
    weight: 1 + digest.readUInt8(8 + index) + (rating === token ? 256 : 0),
  }));
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  return weights
    .map(({ rating, weight }) => ({ token: rating, logprob: Math.log((0.8 * weight) / sum) }))
    .sort((a, b) => b.logprob - a.logprob);
}

function digestOf(path: string, body: CompletionBody, sample: number): Buffer {
  const { model, prompt, messages, seed } = body;
  return createHash('sha256')
    .update(JSON.stringify([path, model, prompt, messages, seed, sample]))
    .digest();
}

function ratingOf(digest: Buffer): number {
  return 1 + (digest.readUInt8(0) % 5);
}

function pick(from: readonly string[], digest: Buffer, at: number): string {
  return from[digest.readUInt8(at) % from.length] ?? '';
}
