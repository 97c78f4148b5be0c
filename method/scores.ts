import type { JudgedPair } from './judge-prompt';
import { endsLikeShown, scoreLine } from './score-line';
import { afterThoughts } from './thoughts';

/** How a score was read: the last line's rating, or the mean over the model's own probabilities of 1 to 5. */
export type ScoredBy = 'text' | 'expected';

/** A score read from a judge's reply, or the reason why none was. Reasons are few and fixed, so that they can be counted. */
export type ScoreReading = { readonly score: number } | { readonly score: null; readonly reason: string };

/** The label that Table 2 asks for, with markup around its colon; `subscore:` is another word. */
const LABEL = /(?<![\p{L}\p{N}])score[\s*_`\])]*:/giu;

/** What may stand before the label on its line: decoration, or a finished sentence that is not inside a quotation. */
const DECORATION_BEFORE = /^[^\p{L}\p{N}]*$/u;
const SENTENCE_BEFORE = /(?:[.!?][*_)]*\s+|。\s*)[*_`[(]*$/u;
const QUALIFIERS = /(?:\b(?:the|my|final|overall)\s+)+$/iu;
/** A line that ends a quotation which it did not begin. */
const QUOTE = /["“”«»]/u;
const CLOSING_QUOTE = /["”»][\s.!]*$/u;

const BEFORE_DIGIT = String.raw`(?:[\s*_${'`'}"'“”‘’«»<\[({【「:→➡]|\p{Extended_Pictographic}|[★☆])*`;
/** Decoration behind a rating; what is left out of it changes a number: 4+, 4%, 4-, ~4, 4?. */
const AFTER_DIGIT = String.raw`[^\p{L}\p{N}+\-–—−~%‰±≈/=?→^]*`;
const OF_FIVE = String.raw`(?:/|(?:out\s+)?of\s|(?:von|sur|su|de|из)\s)\s*[*_]*5(?:\.0+)?(?![\d.,]*\d)`;
const UNIT = String.raw`(?:points?|pts|stars?|分|点|點|점|点数|星|баллов|балла?|punkte?n?|puntos?|punt[io]|pontos?|étoiles?|sterne)(?!\p{L})`;
/** What may follow the label: an integer, `/5`, points or stars, a remark in brackets or after a spaced dash, and decoration. */
const RATING = new RegExp(
  String.raw`^${BEFORE_DIGIT}(\d+)(?:\.0+)?(?:${AFTER_DIGIT}${UNIT})?(?:${AFTER_DIGIT}${OF_FIVE})?(?:${AFTER_DIGIT}${UNIT})?` +
    String.raw`(?:[\s*_${'`'}"'”»>\])|~}]*(\([^()]*\)|(?<=\s)[-–—]\s.*))?${AFTER_DIGIT}$`,
  'iu',
);
/** A remark that names a number may take the rating back: "(could be 3)", "- almost five". The scale itself does not. */
const NUMBER_IN_REMARK = /\d|\b(?:one|two|three|four|five|half)\b/i;
const SCALE_IN_REMARK = /(?:out\s+of|of|\/|满分|max(?:imum)?)\s*5\s*分?(?![\d.,]*\d)|\b1\s*(?:-|–|to)\s*5\b/giu;

/** Longest text around the label that is looked at; a rating's own line is far shorter. */
const WINDOW = 200;

/**
 * Reads the rating that Table 2 asks for: a whole number from 1 to 5 after `Score:` in the last non-empty line of the
 * judge's reply, harmless decoration aside (emphasis, HTML, LaTeX, quotes, brackets, `/5`, stars, a closing full stop, "Final
 * Score"). Thoughts are no part of the reply, and what it quotes, shows in a block of code or repeats of what it was shown is not
 * its own rating. Whatever a reader could take for another rating (a range, 4.5, two scores, `4/10`) gives null, since the caller
 * can ask again but cannot take a wrong score back.
 * @param shown what the judge was asked about, where that is known
 */
export function parseScore(raw: string, shown?: JudgedPair): ScoreReading {
  const reply = afterThoughts(raw);
  if (reply === null) return { score: null, reason: 'unfinished thinking' };
  const line = scoreLine(reply);
  if (line === undefined) return { score: null, reason: raw.trim() === '' ? 'empty reply' : 'nothing but thinking' };

  const { text, isQuoted } = line;
  const labels = [...text.matchAll(LABEL)];
  const label = labels[0];
  if (label === undefined) return { score: null, reason: 'no "Score:" in the last line' };
  if (labels.length > 1) return { score: null, reason: 'several scores in the last line' };

  const before = text.slice(0, label.index).slice(-WINDOW).replace(QUALIFIERS, '');
  const ownStatement = SENTENCE_BEFORE.test(before) || (label.index <= WINDOW && DECORATION_BEFORE.test(before));
  if (!ownStatement) return { score: null, reason: '"Score:" within a sentence or of a part' };

  const after = text.slice(label.index + label[0].length);
  const match = after.length <= WINDOW ? RATING.exec(after) : null;
  if (match === null || namesAnother(match[2] ?? '', Number(match[1]))) {
    return { score: null, reason: /[\p{L}\p{N}]/u.test(after) ? 'unclear rating' : 'no rating after "Score:"' };
  }
  const rating = Number(match[1]);
  if (!(rating >= 1 && rating <= 5)) return { score: null, reason: 'rating off the scale' };
  if (isQuoted || (!QUOTE.test(before) && CLOSING_QUOTE.test(after) && !QUOTE.test(after.replace(CLOSING_QUOTE, '')))) {
    return { score: null, reason: 'a rating in a quotation' };
  }
  if (shown !== undefined && endsLikeShown(reply, shown, /\p{L}/u.test(before))) {
    return { score: null, reason: 'a copy of what it was shown' };
  }
  return { score: rating };
}

/** Whether a remark behind a rating names a number besides the scale and the rating itself, as `(4/5)` and `(four)` do. */
function namesAnother(remark: string, rating: number): boolean {
  const same = new RegExp(String.raw`(?<![\d.,~≈<>≤≥+−–-])${rating}(?![\d.,½%+−–-])|\b${WORDS[rating - 1] ?? rating}\b`, 'giu');
  if (/\bnot\b/i.test(remark)) return NUMBER_IN_REMARK.test(remark);
  return NUMBER_IN_REMARK.test(remark.replace(SCALE_IN_REMARK, '').replace(same, ''));
}

const WORDS = ['one', 'two', 'three', 'four', 'five'];

/** One token that the model could have written, with its natural-log probability. */
export interface TokenProbability {
  readonly token: string;
  readonly logprob: number;
}

export type ExpectedScore =
  | { readonly score: number; readonly ratingMass: number }
  | { readonly score: null; readonly reason: string; readonly ratingMass: number };

export interface ExpectedScoreOptions {
  /** Least probability, 0 to 1, that the five ratings must hold together for the score to mean anything. */
  readonly minRatingMass?: number;
}

const DEFAULT_MIN_RATING_MASS = 0.05;

/**
 * The judge's expected rating: the mean of 1 to 5 weighted by the probabilities that the model itself gives the five
 * tokens at the rating's place, renormalised over the five. `4`, ` 4` and `▁4` are the same rating and add up.
 * Unlike the integer it hardly ever ties, and a model too small to keep the format still has one.
 *
 * @param topLogprobs the likeliest tokens at the rating's place, in any order; ask the endpoint for as many as it gives
 */
export function expectedScore(
  topLogprobs: readonly TokenProbability[],
  { minRatingMass = DEFAULT_MIN_RATING_MASS }: ExpectedScoreOptions = {},
): ExpectedScore {
  // Servers may list the sampled token a second time among the alternatives.
  const distinct = new Map<string, number>();
  for (const { token, logprob } of topLogprobs) {
    if (Number.isNaN(logprob)) continue;
    distinct.set(token, Math.max(logprob, distinct.get(token) ?? Number.NEGATIVE_INFINITY));
  }
  const mass = [0, 0, 0, 0, 0];
  for (const [token, logprob] of distinct) {
    const rating = /^[\s▁Ġ]*([1-5])$/u.exec(token)?.[1];
    if (rating !== undefined) mass[Number(rating) - 1]! += Math.exp(logprob);
  }
  const ratingMass = mass.reduce((sum, part) => sum + part, 0);
  if (ratingMass === 0) return { score: null, reason: 'no rating among the likeliest tokens', ratingMass };
  // Rounding in a server's float32 softmax can exceed 1 by a little.
  if (ratingMass > 1.01) return { score: null, reason: 'not log probabilities', ratingMass };
  if (ratingMass < minRatingMass) return { score: null, reason: 'too little probability on the ratings', ratingMass };
  const weighted = mass.reduce((sum, part, index) => sum + part * (index + 1), 0);
  return { score: weighted / ratingMass, ratingMass };
}

export type RatingPosition = { readonly position: number } | { readonly position: null; readonly reason: string };

/**
 * Where the rating stands in a chat reply's list of tokens (`logprobs.content`): the index of the token whose alternatives
 * {@link expectedScore} takes. Null with a reason unless it is just this token that {@link parseScore} reads: in its place, each of
 * the five ratings must be read as the reply's score.
 */
export function ratingTokenPosition(tokens: readonly string[], shown?: JudgedPair): RatingPosition {
  // Some servers give the tokenizer's own spelling of a space or line break.
  const pieces = tokens.map((token) => token.replace(/^[▁Ġ]+/u, (spaces) => ' '.repeat(spaces.length)).replaceAll('Ċ', '\n'));
  const text = pieces.join('');
  const reading = parseScore(text, shown);
  if (reading.score === null) return { position: null, reason: reading.reason };
  let end = text.length;
  for (let position = pieces.length - 1; position >= 0 && !LABEL_IN.test(text.slice(end, end + WINDOW)); position--) {
    const piece = pieces[position]!;
    const start = end - piece.length;
    const isRating = (rating: number): boolean =>
      parseScore(`${text.slice(0, start)}${piece.replace(/\d$/, String(rating))}${text.slice(end)}`, shown).score === rating;
    if (/^\s*[1-5]$/.test(piece) && [1, 2, 3, 4, 5].every(isRating)) return { position };
    end = start;
  }
  return { position: null, reason: 'the rating is no token of its own' };
}

const LABEL_IN = /score[\s*_`\])]*:/iu;
