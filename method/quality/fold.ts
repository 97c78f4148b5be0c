/**
 * A text as the duplicate filters compare it: Unicode compatibility forms unified (NFKC), case folded, white space
 * collapsed to single spaces and trimmed. Punctuation stays: `x + y` is another question than `x - y`.
 *
 * Upper, then lower case stands for full case folding (Unicode, section 3.13), which JavaScript does not have: it makes
 * `ß` and `SS` alike.
 */
export function foldText(text: string): string {
  const folded = text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  return folded.replace(/\s+/gu, ' ').trim();
}

/** The words of a folded text: runs of letters, marks and digits; punctuation and symbols only separate them. */
export function wordsOf(folded: string): string[] {
  return folded.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}
