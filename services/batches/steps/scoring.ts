import type { Scoring } from '../../../config/score-readings';
import type { ModelSpec, Sampling } from '../../../config/spec';
import { templateVariables, thinkingFields } from '../../../config/thinking';
import { wellFormed } from '../../../method/instructions';
import type { JudgedPair } from '../../../method/judge-prompt';
import { neutralizer } from '../../../method/neutral-text';
import { expectedScore, parseScore, ratingTokenPosition } from '../../../method/scores';
import { checkBos, type BosHandling, type ChatTemplate } from '../../../method/templates';
import { closingOfPrompt } from '../../../method/thoughts';
import type { ModelRequest } from '../../endpoints/model-client';
import type { Exchange } from '../batch-item';
import { retrySampling } from './retry-sampling';
import { opensThoughts, saidIn, type Thinker } from './said';
import { stopStrings } from './template-of';

/** How scores are read, as the spec names it. */

/** The score read from a judge's replies. */
export interface ScoreReading {
  readonly score: number | null;
  readonly raw: string;
  readonly reasoning?: string;
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
  /** @param shown what the judge was asked about: a reply that repeats it is no judgment */
  read(exchanges: readonly Exchange[], shown?: JudgedPair): ScoreReading;
}

export interface ScoringOptions {
  readonly sampling: Sampling;
  /** Least probability mass that the five ratings must have together for a score to be read, 0 to 1. */
  readonly minRatingMass: number;
  /** The judge: whether it thinks, and where its server is. */
  readonly model: Judge;
  /** The judge's chat format; without one, it has only the chat API. */
  readonly template?: ChatTemplate | undefined;
  /** What the judge's endpoint does with raw prompts; see checkBos. */
  readonly bosHandling?: BosHandling;
}

/** For each way of reading scores, the method that does it with a judge. */
export const SCORING_METHODS: Readonly<Record<Scoring, (options: ScoringOptions) => ScoringMethod>> = {
  text: ({ sampling, model, template }) => textScoring(sampling, model, template),
  expected: ({ sampling, minRatingMass, model, template, bosHandling }) =>
    template === undefined
      ? writtenProbabilityScoring(sampling, minRatingMass, model)
      : probabilityScoring(sampling, minRatingMass, template, model, bosHandling),
};

/** What of a judge decides how it is asked and read. */
type Judge = Pick<ModelSpec, 'thinking' | 'serve' | 'baseURL'>;

/** Number of alternatives requested at the rating's position: there are five ratings, with two or three spellings each. */
const TOP_LOGPROBS = 20;
/**
 * The text before the rating, with its space: many tokenizers split " 4" into a space and a digit, and the others give the digit
 * alone nearly the same probabilities.
 */
const FORCED_LABEL = 'Score: ';

/** The paper's method: the rating in the last line of the judge's reply. */
function textScoring(sampling: Sampling, model: Judge, template: ChatTemplate | undefined): ScoringMethod {
  const neutral = neutralFor(template);
  const thinker = { ...model, opens: opensThoughts(template, model) };
  return {
    callsPerAttempt: 1,
    request: (prompt, _before, { seed, attempt }) => chatRequest(neutral(prompt).text, retrySampling(sampling, attempt), seed, model),
    read([exchange], shown) {
      const { raw, reasoning, reason } = replyOf(exchange, thinker);
      return { ...(reason === undefined ? parseScore(raw, shown) : { score: null, reason }), raw, ...reasoning };
    },
  };
}

/** For chat-only endpoints: the probabilities at the position where the judge itself wrote its rating. */
export function writtenProbabilityScoring(sampling: Sampling, minRatingMass: number, model: Judge): ScoringMethod {
  const neutral = neutralFor(undefined);
  return {
    callsPerAttempt: 1,
    request(prompt, _before, { seed, attempt }) {
      const request = chatRequest(neutral(prompt).text, retrySampling(sampling, attempt), seed, model);
      return { ...request, body: { ...request.body, logprobs: true, top_logprobs: TOP_LOGPROBS } };
    },
    read([exchange], shown) {
      const tokens = exchange?.reply?.choices[0]?.tokens ?? [];
      const { raw, reasoning, reason } = replyOf(exchange, model);
      if (reason !== undefined) return { score: null, raw, ...reasoning, reason };
      if (tokens.length === 0) return { score: null, raw, ...reasoning, reason: 'the endpoint gave no logprobs' };
      const written = parseScore(raw, shown);
      if (written.score === null) return { ...written, raw, ...reasoning };
      const found = ratingTokenPosition(
        tokens.map(({ token }) => token),
        shown,
      );
      if (found.position === null) return { score: null, raw, ...reasoning, reason: found.reason };
      return { ...expectedScore(tokens[found.position]?.topLogprobs ?? [], { minRatingMass }), raw, ...reasoning };
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
  model: Judge,
  handling?: BosHandling,
): ScoringMethod {
  const neutral = neutralFor(template);
  const thinker = { ...model, opens: opensThoughts(template, model), isRaw: true };
  const withJustification = (before: readonly Exchange[]): string => {
    const justification = (replyOf(before[0], thinker).raw.split(FORCED_LABEL.trim(), 1)[0] ?? '').trim();
    return justification === '' ? FORCED_LABEL : `${justification}\n\n${FORCED_LABEL}`;
  };
  // A draft of the rating would stop the thoughts.
  const labelStops = thinker.opens || model.thinking?.mode === 'on' ? [] : [FORCED_LABEL.trim()];
  // The rating stands behind the thoughts, which are not repeated.
  const afterThoughts = templateVariables({ thinking: thinker.opens || model.thinking?.mode === 'on' ? { mode: 'off' } : model.thinking });
  return {
    callsPerAttempt: 2,
    request(judgePrompt, before, { seed, attempt }) {
      const { maxTokens, temperature, topP } = retrySampling(sampling, attempt);
      const messages = [{ role: 'user' as const, content: neutral(judgePrompt).text }];
      let rendered = template.renderPrompt(messages, { variables: before.length === 0 ? templateVariables(model) : afterThoughts });
      if (before.length > 0) {
        const closing = template.isRead === true ? closingOfPrompt(rendered) : undefined;
        const assistantPrefix = `${closing === undefined ? '' : `${closing}\n\n`}${neutral(withJustification(before)).text}`;
        rendered = template.renderPrompt(messages, { assistantPrefix, variables: afterThoughts });
      }
      const { prompt, addSpecialTokens } = checkBos({ prompt: rendered, template, handling });
      const special = addSpecialTokens === undefined ? {} : { add_special_tokens: addSpecialTokens };
      const justification = { max_tokens: maxTokens, temperature, top_p: topP, stop: stopStrings(template.stop, labelStops) };
      const rating = { max_tokens: 1, temperature: 0, logprobs: TOP_LOGPROBS };
      return { path: 'completions', body: { prompt, seed, ...special, ...(before.length === 0 ? justification : rating) } };
    },
    read(exchanges) {
      const choice = exchanges[1]?.reply?.choices[0];
      if (exchanges[0]?.reply === undefined || choice === undefined) return { score: null, raw: '', reason: 'no choices' };
      const { reasoning, reason } = replyOf(exchanges[0], thinker);
      // The label was set inside thoughts, or behind a reply that is nothing else.
      if (reason === 'unfinished thinking') return { score: null, raw: '', ...reasoning, reason };
      const raw = `${withJustification(exchanges)}${choice.text}`;
      const top = choice.tokens[0]?.topLogprobs ?? [];
      if (top.length === 0) return { score: null, raw, ...reasoning, reason: 'the endpoint gave no logprobs' };
      return { ...expectedScore(top, { minRatingMass }), raw, ...reasoning };
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

/** A judge's reply without its thoughts, and why it is none where only these came. */
function replyOf(
  exchange: Exchange | undefined,
  thinker: Thinker,
): { readonly raw: string; readonly reasoning: { readonly reasoning?: string }; readonly reason?: string } {
  const choice = exchange?.reply?.choices[0];
  if (choice === undefined) return { raw: '', reasoning: {} };
  const { text, reasoning, rejected } = saidIn(choice, thinker, exchange?.reply?.thoughtTokens);
  return {
    raw: text,
    reasoning: reasoning === undefined ? {} : { reasoning: wellFormed(reasoning) },
    ...(rejected === undefined ? {} : { reason: rejected }),
  };
}

function chatRequest(prompt: string, sampling: Sampling, seed: number, model: Judge): Omit<ModelRequest, 'tokenEstimate'> {
  return {
    path: 'chat/completions',
    body: {
      messages: [{ role: 'user', content: prompt }],
      max_tokens: sampling.maxTokens,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      ...thinkingFields(model),
      seed,
    },
  };
}
