import type { Scoring } from '../../../config/score-readings';
import type { Sampling } from '../../../config/spec';
import { neutralizer } from '../../../method/neutral-text';
import { expectedScore, parseScore, ratingTokenPosition } from '../../../method/scores';
import { checkBos, type BosHandling, type ChatTemplate } from '../../../method/templates';
import type { ModelRequest } from '../../endpoints/model-client';
import type { Exchange } from '../batch-item';
import { retrySampling } from './retry-sampling';
import { stopStrings } from './template-of';

/** How scores are read, as the spec names it. */

/** The score read from a judge's replies. */
export interface ScoreReading {
  readonly score: number | null;
  readonly raw: string;
  readonly ratingMass?: number;
  readonly reason?: string;
}

/** A way to get a score from a judge, with one or more calls per attempt. */
export interface ScoringMethod {
  readonly callsPerAttempt: number;
  request(
    prompt: string,
    before: readonly Exchange[],
    call: { readonly seed: number; readonly attempt: number },
  ): Omit<ModelRequest, 'tokenEstimate'>;
  read(exchanges: readonly Exchange[]): ScoreReading;
}

export interface ScoringOptions {
  readonly sampling: Sampling;
  /** Least probability mass that the five ratings must have together for a score to be read, 0 to 1. */
  readonly minRatingMass: number;
  /** The judge's chat format; without one, it has only the chat API. */
  readonly template?: ChatTemplate | undefined;
  /** What the judge's endpoint does with raw prompts; see checkBos. */
  readonly bosHandling?: BosHandling;
}

/** For each way of reading scores, the method that does it with a judge. */
export const SCORING_METHODS: Readonly<Record<Scoring, (options: ScoringOptions) => ScoringMethod>> = {
  text: ({ sampling, template }) => textScoring(sampling, template),
  expected: ({ sampling, minRatingMass, template, bosHandling }) =>
    template === undefined
      ? writtenProbabilityScoring(sampling, minRatingMass)
      : probabilityScoring(sampling, minRatingMass, template, bosHandling),
};

/** Number of alternatives requested at the rating's position: there are five ratings, with two or three spellings each. */
const TOP_LOGPROBS = 20;
/**
 * The text before the rating, with its space: many tokenizers split " 4" into a space and a digit, and the others give the digit
 * alone nearly the same probabilities.
 */
const FORCED_LABEL = 'Score: ';

/** The paper's method: the rating in the last line of the judge's reply. */
function textScoring(sampling: Sampling, template: ChatTemplate | undefined): ScoringMethod {
  const neutral = neutralFor(template);
  return {
    callsPerAttempt: 1,
    request: (prompt, _before, { seed, attempt }) => chatRequest(neutral(prompt).text, retrySampling(sampling, attempt), seed),
    read([exchange]) {
      const raw = exchange?.reply?.choices[0]?.text ?? '';
      return { ...parseScore(raw), raw };
    },
  };
}

/** For chat-only endpoints: the probabilities at the position where the judge itself wrote its rating. */
export function writtenProbabilityScoring(sampling: Sampling, minRatingMass: number): ScoringMethod {
  const neutral = neutralFor(undefined);
  return {
    callsPerAttempt: 1,
    request(prompt, _before, { seed, attempt }) {
      const request = chatRequest(neutral(prompt).text, retrySampling(sampling, attempt), seed);
      return { ...request, body: { ...request.body, logprobs: true, top_logprobs: TOP_LOGPROBS } };
    },
    read([exchange]) {
      const choice = exchange?.reply?.choices[0];
      const raw = choice?.text ?? '';
      const tokens = choice?.tokens ?? [];
      if (tokens.length === 0) return { score: null, raw, reason: 'the endpoint gave no logprobs' };
      const found = ratingTokenPosition(tokens.map(({ token }) => token));
      if (found.position === null) return { score: null, raw, reason: found.reason };
      return { ...expectedScore(tokens[found.position]?.topLogprobs ?? [], { minRatingMass }), raw };
    },
  };
}

/**
 * For raw-prompt endpoints: the judge writes its justification, then "Score: " is appended and the probabilities of the next
 * token are read. The second call extends the first's prompt, so with a prefix cache it costs almost nothing.
 */
export function probabilityScoring(
  sampling: Sampling,
  minRatingMass: number,
  template: ChatTemplate,
  handling?: BosHandling,
): ScoringMethod {
  const neutral = neutralFor(template);
  const withJustification = (before: readonly Exchange[]): string => {
    const justification = before[0]?.reply?.choices[0]?.text.trim() ?? '';
    return justification === '' ? FORCED_LABEL : `${justification}\n\n${FORCED_LABEL}`;
  };
  return {
    callsPerAttempt: 2,
    request(judgePrompt, before, { seed, attempt }) {
      const { maxTokens, temperature, topP } = retrySampling(sampling, attempt);
      const assistantPrefix = before.length === 0 ? undefined : neutral(withJustification(before)).text;
      const rendered = template.renderPrompt([{ role: 'user', content: neutral(judgePrompt).text }], { assistantPrefix });
      const { prompt, addSpecialTokens } = checkBos({ prompt: rendered, template, handling });
      const special = addSpecialTokens === undefined ? {} : { add_special_tokens: addSpecialTokens };
      const justification = { max_tokens: maxTokens, temperature, top_p: topP, stop: stopStrings(template.stop, [FORCED_LABEL.trim()]) };
      const rating = { max_tokens: 1, temperature: 0, logprobs: TOP_LOGPROBS };
      return { path: 'completions', body: { prompt, seed, ...special, ...(before.length === 0 ? justification : rating) } };
    },
    read(exchanges) {
      const choice = exchanges[1]?.reply?.choices[0];
      if (exchanges[0]?.reply === undefined || choice === undefined) return { score: null, raw: '', reason: 'no choices' };
      const raw = `${withJustification(exchanges)}${choice.text}`;
      const top = choice.tokens[0]?.topLogprobs ?? [];
      if (top.length === 0) return { score: null, raw, reason: 'the endpoint gave no logprobs' };
      return { ...expectedScore(top, { minRatingMass }), raw };
    },
  };
}

/**
 * Copies for a judge of texts that models wrote. Structure in them would end the user's turn, so that a response could forge the judge's
 * reply; servers do not protect a judge from it in messages either. The stored texts stay as they are.
 */
function neutralFor(template: ChatTemplate | undefined): ReturnType<typeof neutralizer> {
  return neutralizer(template?.structure ?? [], template?.knowsTokens === true);
}

function chatRequest(prompt: string, sampling: Sampling, seed: number): Omit<ModelRequest, 'tokenEstimate'> {
  return {
    path: 'chat/completions',
    body: {
      messages: [{ role: 'user', content: prompt }],
      max_tokens: sampling.maxTokens,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      seed,
    },
  };
}
