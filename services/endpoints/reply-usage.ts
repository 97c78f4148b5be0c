import type { Usage } from '../../method/records';

/**
 * The tokens that a reply tells, with all that was generated as completion; undefined where it does not tell them, or where what it
 * tells is no count (negative, a fraction, text). What is only in `total_tokens` (some servers leave reasoning out of the completion, or
 * tell prompt and total alone) is completion.
 */
export function readUsage(reply: unknown): Usage | undefined {
  const usage = (reply as { usage?: unknown } | null | undefined)?.usage;
  if (typeof usage !== 'object' || usage === null) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage as Record<string, unknown>;
  if (!isCount(prompt)) return undefined;
  const rest = isCount(total) ? total - prompt : undefined;
  const prompts = { promptTokens: prompt, ...cachedPart(usage as Record<string, unknown>, prompt) };
  if (isCount(completion)) return { ...prompts, completionTokens: Math.max(completion, rest ?? 0) };
  if (completion !== undefined && completion !== null) return undefined;
  return rest === undefined || rest < 0 ? undefined : { ...prompts, completionTokens: rest };
}

/**
 * Prompt tokens that were read from a cache: `prompt_tokens_details.cached_tokens` (OpenAI's API reference, and what vLLM, OpenRouter and
 * others took over), or `prompt_cache_hit_tokens` (DeepSeek's).
 */
function cachedPart(usage: Readonly<Record<string, unknown>>, prompt: number): Pick<Usage, 'cachedPromptTokens'> {
  const details = usage['prompt_tokens_details'] as { readonly cached_tokens?: unknown } | null | undefined;
  const cached = details?.cached_tokens ?? usage['prompt_cache_hit_tokens'];
  return isCount(cached) && cached > 0 ? { cachedPromptTokens: Math.min(prompt, cached) } : {};
}

/** The same for a row, which keeps a reply's own two counts where it tells both, and nothing of caches: the same reply stays the same row. */
export function readRowUsage(reply: unknown): Usage | null {
  const whole = readUsage(reply);
  if (whole === undefined) return null;
  const told = (reply as { usage: { completion_tokens?: unknown } }).usage.completion_tokens;
  return { promptTokens: whole.promptTokens, completionTokens: isCount(told) ? told : whole.completionTokens };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
