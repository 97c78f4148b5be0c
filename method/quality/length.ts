/** Bounds on an instruction's length, each of them optional. */
export interface LengthRules {
  /** Runs of characters between white space. */
  readonly minWords?: number;
  readonly maxWords?: number;
  /** Unicode characters (code points) of the trimmed text. */
  readonly minChars?: number;
  readonly maxChars?: number;
}

/** Which bound a text breaks, or undefined. `measured` says by how much: `2 words, fewer than 3`. */
export function lengthProblem(
  text: string,
  rules: LengthRules,
): { readonly reason: 'too short' | 'too long'; readonly measured: string } | undefined {
  const trimmed = text.trim();
  const words = trimmed === '' ? 0 : trimmed.split(/\s+/u).length;
  // Counted without making an array of them: a text may be long.
  let chars = 0;
  for (const _ of trimmed) chars++;
  const { minWords = 0, maxWords = Infinity, minChars = 0, maxChars = Infinity } = rules;
  if (words < minWords) return { reason: 'too short', measured: `${counted(words, 'word')}, fewer than ${minWords}` };
  if (chars < minChars) return { reason: 'too short', measured: `${counted(chars, 'character')}, fewer than ${minChars}` };
  if (words > maxWords) return { reason: 'too long', measured: `${counted(words, 'word')}, more than ${maxWords}` };
  if (chars > maxChars) return { reason: 'too long', measured: `${counted(chars, 'character')}, more than ${maxChars}` };
  return undefined;
}

function counted(value: number, noun: string): string {
  return `${value} ${value === 1 ? noun : `${noun}s`}`;
}
