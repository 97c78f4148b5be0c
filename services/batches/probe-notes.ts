import { isBroken } from '../../method/instructions';
import type { Price } from '../../planning/price';
import type { ModelReply } from '../endpoints/model-reply';
import { NULL_END } from '../endpoints/reply-ends';

const TELLS_CACHED = 'it tells cached prompt tokens';

/** Notes that a run warns of: that cached tokens are told wants nothing, unless prompt tokens have a price and cached ones none of their own. */
export function warningNotes(notes: readonly string[], price: Price | undefined): string[] {
  const wantsPrice = price !== undefined && price.cachedInputUsdPerMillion === undefined;
  return notes.filter((note) => note !== TELLS_CACHED || wantsPrice);
}

/** Adds what a reply tells of its endpoint: thoughts, ends, usage. */
export function noteReply(body: unknown, reply: ModelReply | undefined, notes: Set<string>): void {
  const place = thoughtsOf(body);
  if (place !== undefined) notes.add(`its thoughts come ${place}`);
  if (reply === undefined) notes.add('its reply has no choices');
  for (const { finishReason } of reply?.choices ?? []) {
    const isTold = finishReason !== null && finishReason !== NULL_END;
    if (!isTold) notes.add('it does not tell how replies end, so a reply that breaks off counts as whole');
    else if (isBroken(finishReason)) notes.add(`a reply of it ${finishReason}`);
  }
  const { usage } = (body ?? {}) as { usage?: { prompt_tokens_details?: { cached_tokens?: unknown } | null } | null };
  if (reply?.usage === null) notes.add('it tells no usage, so its calls count at their worst case');
  else if (typeof usage?.prompt_tokens_details?.cached_tokens === 'number') notes.add(TELLS_CACHED);
}

function thoughtsOf(body: unknown): string | undefined {
  const choices = (body as { choices?: unknown } | null)?.choices;
  const message = (Array.isArray(choices) ? (choices[0] as { message?: Record<string, unknown> | null } | null)?.message : undefined) ?? {};
  const field = ['reasoning_content', 'reasoning', 'thinking', 'reasoning_details'].find((name) => Boolean(message[name]));
  if (field !== undefined) return `beside the answer, as ${field}`;
  const { content } = message;
  if (typeof content === 'string') {
    return /^\s*(<think|\[THINK\]|◁think▷|<thought)/.test(content) ? 'at the beginning of the text' : undefined;
  }
  const parts = Array.isArray(content) ? (content as ({ type?: unknown } | null)[]) : [];
  return parts.some((part) => part?.type === 'thinking' || part?.type === 'reasoning') ? 'as parts of the content' : undefined;
}
