import type { Sampling } from '../../../config/spec';
import { expectedScore, parseScore, ratingTokenPosition } from '../../../method/scores';
import { checkBos, type ChatTemplate } from '../../../method/templates';
import type { ModelRequest } from '../../endpoints/model-client';
import type { Exchange } from '../batch-item';
import { retrySampling } from './retry-sampling';
import { stopStrings } from './template-of';

/** What a judge's replies say. */
export interface ScoreReading {
  readonly score: number | null;
  readonly raw: string;
  readonly ratingMass?: number;
  readonly reason?: string;
}

/** A way to get a score from a judge, in one or more calls for an attempt. */
export interface ScoringMethod {
  readonly callsPerAttempt: number;
  request(
    prompt: string,
    before: readonly Exchange[],
    call: { readonly seed: number; readonly attempt: number },
  ): Omit<ModelRequest, 'tokenEstimate'>;
  read(exchanges: readonly Exchange[]): ScoreReading;
}

/** Alternatives asked for at the rating's place; the ratings are five, in two or three spellings each. */
const TOP_LOGPROBS = 20;
/**
 * What stands before the rating. With its space: many tokenizers write " 4" as a space and a digit, and the others give the
 * digit alone nearly the same probabilities.
 */
const FORCED_LABEL = 'Score: ';

/** The paper's way: the rating in the last line of the judge's reply. */
export function textScoring(sampling: Sampling): ScoringMethod {
  return {
    callsPerAttempt: 1,
    request: (prompt, _before, { seed, attempt }) => chatRequest(prompt, retrySampling(sampling, attempt), seed),
    read([exchange]) {
      const raw = exchange?.reply?.choices[0]?.text ?? '';
      return { ...parseScore(raw), raw };
    },
  };
}

/** For chat-only endpoints: the probabilities at the place where the judge itself wrote its rating. */
export function writtenProbabilityScoring(sampling: Sampling, minRatingMass: number): ScoringMethod {
  return {
    callsPerAttempt: 1,
    request(prompt, _before, { seed, attempt }) {
      const request = chatRequest(prompt, retrySampling(sampling, attempt), seed);
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
 * For raw-prompt endpoints: the judge writes its justification, then "Score: " is set before it and the probabilities of
 * the next token are read. The second call extends the first's prompt, so a prefix cache makes it nearly free.
 */
export function probabilityScoring(sampling: Sampling, minRatingMass: number, template: ChatTemplate): ScoringMethod {
  const withJustification = (before: readonly Exchange[]): string => {
    const justification = before[0]?.reply?.choices[0]?.text.trim() ?? '';
    return justification === '' ? FORCED_LABEL : `${justification}\n\n${FORCED_LABEL}`;
  };
  return {
    callsPerAttempt: 2,
    request(judgePrompt, before, { seed, attempt }) {
      const { maxTokens, temperature, topP } = retrySampling(sampling, attempt);
      const assistantPrefix = before.length === 0 ? undefined : harmless(withJustification(before), template);
      const rendered = template.renderPrompt([{ role: 'user', content: harmless(judgePrompt, template) }], { assistantPrefix });
      const { prompt, addSpecialTokens } = checkBos({ prompt: rendered, template });
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
 * A raw prompt holds text that models wrote. Special tokens in it would end the user's turn, so that a response could put
 * words into the judge's mouth; a space within makes them plain text. (On chat endpoints it is the server's business.)
 */
function harmless(text: string, { specialTokens }: ChatTemplate): string {
  return specialTokens.reduce((rest, token) => rest.replaceAll(token, `${token.slice(0, 1)} ${token.slice(1)}`), text);
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
