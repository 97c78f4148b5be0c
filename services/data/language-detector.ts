import type { LanguageDetector } from '../../method/quality/language';

/** Enough to tell a language by; the rest would only take time. */
const CHARACTERS_READ = 2_000;

/** The detector of the `eld` package with its medium-sized table of n-grams: some 70 MB, loaded at the first call only. */
export async function loadLanguageDetector(): Promise<LanguageDetector> {
  const { eld } = await import('eld/medium');
  return (text) => {
    const result = eld.detect(text.slice(0, CHARACTERS_READ));
    return { language: result.language, reliable: result.isReliable(), scores: result.getScores() };
  };
}
