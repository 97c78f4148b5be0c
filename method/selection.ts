import { hash32 } from './hash';
import { MethodError } from './method-error';
import type { Conversation, Failure, Instruction, Judgment, Message, ReplayRow, Response } from './records';
import { isSkipped } from './skipped';

/** What the judges said of one response together. */
export interface MeanScore {
  readonly responseId: string;
  readonly model: string;
  readonly sample: number;
  /** Judge to score, of the judges that gave one, in the order of their names. */
  readonly scores: Readonly<Record<string, number>>;
  /** Judges that gave a score. */
  readonly judges: number;
  /** Mean of `scores`; null when there are none. */
  readonly mean: number | null;
}

export interface MeanScoresInput {
  readonly responses: readonly Response[];
  readonly judgments: readonly Judgment[];
  /** Names of the judges that were asked. */
  readonly judges: readonly string[];
}

/**
 * Mean score over the judges of each response, sorted by response id (paper, section 3.1, step 3). Scores are added in
 * the order of the judges' names, so that adding up exported rows, which are sorted by id, gives the same last digit.
 *
 * @throws {MethodError} when a judgment is given twice, or is of a response or judge that is not among those given.
 */
export function meanScores({ responses, judgments, judges }: MeanScoresInput): MeanScore[] {
  const scoresOf = new Map<string, Map<string, number | null>>();
  for (const { id } of responses) {
    if (scoresOf.has(id)) throw new MethodError(`the response ${id} is given twice; give every response once`);
    scoresOf.set(id, new Map());
  }
  for (const { id, responseId, judge, score } of judgments) {
    const scores = scoresOf.get(responseId);
    if (scores === undefined) throw new MethodError(`the judgment ${id} is of ${responseId}, which is not among the responses`);
    if (!judges.includes(judge)) throw new MethodError(`the judgment ${id} is by ${judge}, who is none of ${judges.join(', ')}`);
    if (scores.has(judge)) throw new MethodError(`${judge} judged ${responseId} twice; give the last judgment only`);
    if (score !== null && !(score >= 1 && score <= 5)) {
      throw new MethodError(`the judgment ${id} has the score ${score}; the scale is 1 to 5, or null`);
    }
    scores.set(judge, score);
  }
  const inOrder = [...judges].sort(byCodeUnits);
  return [...responses]
    .sort((a, b) => byCodeUnits(a.id, b.id))
    .map(({ id, model, sample }) => {
      const given = scoresOf.get(id)!;
      const scored = inOrder.flatMap((judge) => {
        const score = given.get(judge);
        return score === null || score === undefined ? [] : [[judge, score] as const];
      });
      const sum = scored.reduce((total, [, score]) => total + score, 0);
      return {
        responseId: id,
        model,
        sample,
        scores: Object.fromEntries(scored),
        judges: scored.length,
        mean: scored.length === 0 ? null : sum / scored.length,
      };
    });
}

/**
 * `complete`: an instruction is kept only when every expected response exists and every judge scored every one.
 * `available`: means over the scores that exist; a response needs `minJudges` of them to take part.
 */
export type SelectionPolicy = { readonly keep: 'complete' } | { readonly keep: 'available'; readonly minJudges: number };

/**
 * What becomes of responses that were cut at a token limit. `last`: one wins only where no whole response takes part.
 * `keep`: they compete by their scores like any other. `drop`: none ever wins.
 */
export const TRUNCATED_RULES = ['last', 'keep', 'drop'] as const;
export type TruncatedRule = (typeof TRUNCATED_RULES)[number];

export interface SelectionInput extends MeanScoresInput {
  readonly instruction: Instruction;
  /** Generators times samples; the paper's is 9. */
  readonly expectedResponses: number;
  readonly policy: SelectionPolicy;
  readonly truncated: TruncatedRule;
  /** Decides ties; the run's seed. */
  readonly seed: number;
}

export interface SelectionSummary {
  /** Of every response that exists, sorted by response id. */
  readonly means: readonly MeanScore[];
  /** Responses that shared the highest mean of those that could win, sorted by id, the winner among them: one when there was no tie. */
  readonly best: readonly string[];
}

export type Selection =
  | (SelectionSummary & { readonly replay: ReplayRow; readonly tied: boolean })
  | (SelectionSummary & { readonly lost: Failure });

/**
 * Keeps an instruction with its best response (paper, section 3.1, step 3).
 *
 * The paper says nothing of ties, which integer scores make common. Here the tied response with the smallest seeded
 * hash of its id wins: repeatable, and without favour to the first generator or the longest name. Nor does it say anything of
 * responses without an end: see {@link TRUNCATED_RULES}. They are scored and count for completeness as all others do.
 *
 * A failure's `reason` begins with fixed words before the first colon, by which failures can be counted.
 *
 * @throws {MethodError} on rows that do not belong together, see {@link meanScores}.
 */
export function selectBest(input: SelectionInput): Selection {
  const { instruction, responses, judges, expectedResponses, policy, truncated, seed } = input;
  const stranger = responses.find(({ instructionId }) => instructionId !== instruction.id);
  if (stranger !== undefined) throw new MethodError(`the response ${stranger.id} does not answer ${instruction.id}`);
  if (responses.length > expectedResponses) {
    throw new MethodError(`${instruction.id} has ${responses.length} responses where ${expectedResponses} were expected`);
  }
  if (policy.keep === 'available' && !(policy.minJudges >= 1 && policy.minJudges <= judges.length)) {
    throw new MethodError(`minJudges is ${policy.minJudges}; give 1 to ${judges.length}, the number of judges`);
  }

  const means = meanScores(input);
  // What was not asked, since it could not change the winner, is not missing; its response cannot win.
  const skipped = input.judgments.filter(isSkipped);
  const outOfPlay = new Set(skipped.map(({ responseId }) => responseId));
  const reason = incomplete(means, judges.length, expectedResponses, policy, skipped.length);
  const needed = policy.keep === 'complete' ? judges.length : policy.minJudges;
  const scored = means.filter((entry) => entry.judges >= needed && entry.mean !== null && !outOfPlay.has(entry.responseId));
  const whole = scored.filter(({ responseId }) => !isCut(responses.find(({ id }) => id === responseId)!));
  const eligible = truncated === 'keep' || (truncated === 'last' && whole.length === 0) ? scored : whole;
  if (reason !== undefined || eligible.length === 0) {
    const lost: Failure = {
      stage: 'select',
      id: instruction.id,
      model: null,
      reason:
        reason ??
        (scored.length > 0 ? `only cut responses: ${scored.length}` : `too few scores: no response has ${needed} of ${judges.length}`),
      attempts: 1,
    };
    return { lost, means, best: [] };
  }

  const highest = eligible.reduce((top, { mean }) => Math.max(top, mean!), Number.NEGATIVE_INFINITY);
  const best = eligible.filter(({ mean }) => mean === highest);
  const winner = best.reduce((first, next) => (tieOrder(seed, next, first) < 0 ? next : first));
  const response = responses.find(({ id }) => id === winner.responseId)!;
  const replay: ReplayRow = {
    instructionId: instruction.id,
    responseId: response.id,
    instruction: instruction.text,
    response: response.text,
    model: response.model,
    finishReason: response.finishReason,
    meanScore: highest,
    scores: winner.scores,
    messages: [...promptOf(instruction), { role: 'assistant', content: response.text }],
  };
  return { replay, tied: best.length > 1, means, best: best.map(({ responseId }) => responseId) };
}

/** An instruction as the messages that a model is to answer. */
export function promptOf({ system, text }: Pick<Instruction, 'system' | 'text'>): Message[] {
  return [...(system === undefined ? [] : [{ role: 'system' as const, content: system }]), { role: 'user', content: text }];
}

/** Whether a reply was ended by a token limit and not by its model. */
export function isCut({ finishReason }: Pick<Response, 'finishReason'>): boolean {
  return finishReason === 'length';
}

/** A kept row as a conversation to train on. */
export function conversationOf(row: Pick<ReplayRow, 'instructionId' | 'messages' | 'finishReason'>): Conversation {
  return { id: row.instructionId, messages: row.messages, ...(isCut(row) ? { cut: true } : {}) };
}

/** A conversation with what its last answer was thought from, where there was anything. */
export function withThoughts(conversation: Conversation, reasoning: string | undefined): Conversation {
  const answer = conversation.messages.at(-1);
  if (reasoning === undefined || answer === undefined) return conversation;
  return { ...conversation, messages: [...conversation.messages.slice(0, -1), { ...answer, reasoning_content: reasoning }] };
}

function incomplete(
  means: readonly MeanScore[],
  judges: number,
  expectedResponses: number,
  policy: SelectionPolicy,
  skipped: number,
): string | undefined {
  if (means.length === 0) return 'no response';
  if (policy.keep === 'available') return undefined;
  if (means.length < expectedResponses) return `responses missing: ${expectedResponses - means.length} of ${expectedResponses}`;
  const expected = means.length * judges;
  const scored = means.reduce((sum, entry) => sum + entry.judges, 0) + skipped;
  return scored < expected ? `scores missing: ${expected - scored} of ${expected}` : undefined;
}

function tieOrder(seed: number, a: MeanScore, b: MeanScore): number {
  const difference = hash32(`${seed}|${a.responseId}`) - hash32(`${seed}|${b.responseId}`);
  return difference === 0 ? byCodeUnits(a.responseId, b.responseId) : difference;
}

/** The order of ids everywhere, whatever the locale. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
