import type { Usage } from '../../../method/records';
import type { Exchange } from '../batch-item';

/** An even part of a request's usage, for one of `parts` samples. */
export function evenPart(usage: Usage | null, parts: number): Usage | null {
  if (usage === null || parts <= 1) return usage;
  return { promptTokens: Math.round(usage.promptTokens / parts), completionTokens: Math.round(usage.completionTokens / parts) };
}

/** The usage of all exchanges together; null when no reply reports any. */
export function totalUsage(exchanges: readonly Exchange[]): Usage | null {
  const usages = exchanges.map(({ reply }) => reply?.usage ?? null).filter((usage) => usage !== null);
  if (usages.length === 0) return null;
  return {
    promptTokens: usages.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    completionTokens: usages.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
  };
}
