const CHARACTERS_PER_TOKEN = 4;

/** Rough number of tokens of a text, for token budgets only. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
