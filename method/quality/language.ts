import { nearestNames } from '../nearest-names';

/** What a detector makes of a text. */
export interface LanguageGuess {
  /** ISO 639-1 code; empty when the detector has no idea. */
  readonly language: string;
  /** Whether the detector itself would rely on it. */
  readonly reliable: boolean;
  /** 0 to 1 by language; languages that do not come into question are absent. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Finds out a text's language. */
export type LanguageDetector = (text: string) => LanguageGuess;

/** The languages that the detector (eld 2) tells apart, ISO 639-1. */
export const LANGUAGES = [
  'am',
  'ar',
  'az',
  'be',
  'bg',
  'bn',
  'ca',
  'cs',
  'da',
  'de',
  'el',
  'en',
  'es',
  'et',
  'eu',
  'fa',
  'fi',
  'fr',
  'gu',
  'he',
  'hi',
  'hr',
  'hu',
  'hy',
  'is',
  'it',
  'ja',
  'ka',
  'kn',
  'ko',
  'ku',
  'lo',
  'lt',
  'lv',
  'ml',
  'mr',
  'ms',
  'nl',
  'no',
  'or',
  'pa',
  'pl',
  'pt',
  'ro',
  'ru',
  'sk',
  'sl',
  'sq',
  'sr',
  'sv',
  'ta',
  'te',
  'th',
  'tl',
  'tr',
  'uk',
  'ur',
  'vi',
  'yo',
  'zh',
] as const;

/** Letters below which no text is dropped for its language: a name, a formula or a word is no evidence. */
export const FEWEST_LETTERS = 20;
/** How far the guess's score must lead that of every wanted language; a French phrase to be translated does not. */
const LEAST_LEAD = 0.1;

/**
 * The language that a text is in, if it is surely none of the wanted ones; undefined keeps the text. Nothing is dropped that is
 * short of {@link FEWEST_LETTERS}, that the detector itself doubts, or that is nearly as likely to be in a wanted language.
 */
export function foreignLanguage(
  text: string,
  wanted: readonly string[],
  detect: LanguageDetector,
): { readonly language: string; readonly score: number } | undefined {
  const prose = proseOf(text);
  if (letterWeight(prose) < FEWEST_LETTERS) return undefined;
  const { language, reliable, scores } = detect(prose);
  if (language === '' || !reliable || wanted.includes(language)) return undefined;
  const score = scores[language] ?? 0;
  const rival = Math.max(0, ...wanted.map((each) => scores[each] ?? 0));
  return score - rival >= LEAST_LEAD ? { language, score } : undefined;
}

/** The code that was meant by one that is not known: `en` by `english`, `en-GB` or `eng`. */
export function suggestLanguage(code: string): string | undefined {
  const meant = code.toLowerCase();
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  return (
    LANGUAGES.find((each) => meant.startsWith(`${each}-`)) ??
    LANGUAGES.find((each) => meant.length > 2 && names.of(each)?.toLowerCase().startsWith(meant)) ??
    nearestNames(code, LANGUAGES, 1)[0]
  );
}

/** Code blocks, formulas and addresses look like odd languages. */
function proseOf(text: string): string {
  return text
    .replace(/```[^`]*(?:```|$)/g, ' ')
    .replace(/`[^`\n]*`/g, ' ')
    .replace(/\$\$?[^$\n]*\$\$?/g, ' ')
    .replace(/https?:\/\/\S+/g, ' ');
}

/** Letters and vowel signs; ideographs and syllables count three, since one or two of them make a word. */
function letterWeight(text: string): number {
  const letters = text.match(/[\p{L}\p{M}]/gu)?.length ?? 0;
  const dense = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0;
  return letters + 2 * dense;
}
