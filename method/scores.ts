/** How a score was read: the last line's rating, or the mean over the model's own probabilities of 1 to 5. */
export type ScoredBy = 'text' | 'expected';

/** A score read from a judge's reply, or the reason why none was. Reasons are few and fixed, so that they can be counted. */
export type ScoreReading = { readonly score: number } | { readonly score: null; readonly reason: string };

/** The label that Table 2 asks for, with Markdown emphasis around its colon; `subscore:` is another word. */
const LABEL = /(?<![\p{L}\p{N}])score[\s*_]*:/giu;

/** What may stand before the label on its line: decoration, or a finished sentence that is not inside a quotation. */
const DECORATION_BEFORE = /^[\s*_`#>|~"'“”‘’«»$•-]*$/u;
const SENTENCE_BEFORE = /[.!?。][*_)]*\s+[*_`]*$/u;
const QUALIFIERS = /(?:\b(?:the|my|final|overall)\s+)+$/iu;

const CLOSING = String.raw`[\s*_${'`'}"'“”‘’«»$>\])}|~]*`;
/** What may follow the label: an integer, `/5`, a remark in brackets or after a spaced dash, and decoration. */
const RATING = new RegExp(
  String.raw`^[\s*_${'`'}"'“”‘’«»$<\[({]*(?:\\boxed\{\s*)?(\d+)(?:\.0+)?${CLOSING}` +
    String.raw`(?:(?:/|(?:out\s+)?of\s)\s*[*_]*5(?:\.0+)?(?![\d.,]*\d)${CLOSING})?` +
    String.raw`(\([^()]*\)|(?<=\s)[-–—]\s.*)?[\s.,;!*_"'“”‘’${'`'}]*$`,
  'iu',
);
/** A remark that names a number may take the rating back: "(could be 3)", "- almost five". */
const NUMBER_IN_REMARK = /\d|\b(?:one|two|three|four|five|half)\b/i;

/** Longest text around the label that is looked at; a rating's own line is far shorter. */
const WINDOW = 200;

/**
 * Reads the rating that Table 2 asks for: a whole number from 1 to 5 after `Score:` in the last non-empty line of the
 * judge's reply, harmless decoration aside (emphasis, quotes, brackets, `/5`, a closing full stop, "Final Score").
 * Thinking before `</think>` is no part of the reply. Whatever a reader could take for another rating (a range, 4.5,
 * two scores, `4/10`) gives null, since the caller can ask again but cannot take a wrong score back.
 */
export function parseScore(raw: string): ScoreReading {
  const reply = withoutThinking(raw);
  if (reply === null) return { score: null, reason: 'unfinished thinking' };
  const line = lastLine(reply);
  if (line === undefined) return { score: null, reason: 'empty reply' };

  const labels = [...line.matchAll(LABEL)];
  const label = labels[0];
  if (label === undefined) return { score: null, reason: 'no "Score:" in the last line' };
  if (labels.length > 1) return { score: null, reason: 'several scores in the last line' };

  const before = line.slice(0, label.index).slice(-WINDOW).replace(QUALIFIERS, '');
  const ownStatement = SENTENCE_BEFORE.test(before) || (label.index <= WINDOW && DECORATION_BEFORE.test(before));
  if (!ownStatement) return { score: null, reason: '"Score:" within a sentence or of a part' };

  const after = line.slice(label.index + label[0].length);
  const match = after.length <= WINDOW ? RATING.exec(after) : null;
  if (match === null || NUMBER_IN_REMARK.test(match[2] ?? '')) {
    return { score: null, reason: /[\p{L}\p{N}]/u.test(after) ? 'unclear rating' : 'no rating after "Score:"' };
  }
  const rating = Number(match[1]);
  return rating >= 1 && rating <= 5 ? { score: rating } : { score: null, reason: 'rating off the scale' };
}

/** What follows the thinking; null when the thinking never ended. Some chat formats open it in the prompt. */
function withoutThinking(raw: string): string | null {
  const closings = [...raw.matchAll(/<\/think(?:ing)?>/gi)];
  const last = closings.at(-1);
  if (last !== undefined) return raw.slice(last.index + last[0].length);
  return /^\s*<think(?:ing)?>/i.test(raw) ? null : raw;
}

/** The last line with a letter or digit, in compatibility form, without invisible characters and leaked special tokens. */
function lastLine(reply: string): string | undefined {
  return reply
    .normalize('NFKC')
    .replace(/[\u200b-\u200d\u2060\ufeff]/g, '')
    .replace(/<\|[^|<>\s]{1,40}\|>|<\/s>|<end_of_turn>|<eos>/g, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => line.trim())
    .findLast((line) => /[\p{L}\p{N}]/u.test(line));
}

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
 * Where the rating stands in a chat reply's list of tokens (`logprobs.content`): the index of the token with the digit
 * after the last `Score:` behind any thinking, whose alternatives {@link expectedScore} takes. Null with a reason when there
 * is no such token or when it holds more than the rating (`:4`, `45`), since its alternatives are then not ratings.
 */
export function ratingTokenPosition(tokens: readonly string[]): RatingPosition {
  const text = tokens.join('');
  const reply = withoutThinking(text);
  if (reply === null) return { position: null, reason: 'unfinished thinking' };
  const label = [...reply.matchAll(LABEL)].at(-1);
  if (label === undefined) return { position: null, reason: 'no "Score:" in the reply' };
  const end = label.index + label[0].length;
  const digit = /^[\s*_`"'“”<[($]*(?=\d)/u.exec(reply.slice(end, end + WINDOW));
  if (digit === null) return { position: null, reason: 'no rating after "Score:"' };

  const target = text.length - reply.length + end + digit[0].length;
  let start = 0;
  const position = tokens.findIndex((token) => (start += token.length) > target);
  const alone = /^[\s▁Ġ]*[1-5]$/u.test(tokens[position]!);
  return alone ? { position } : { position: null, reason: 'the rating is no token of its own' };
}
