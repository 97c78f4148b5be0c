import { hash32 } from './hash';
import type { Judgment, Response } from './records';
import { isCut, meanScores, type SelectionInput } from './selection';
import { isSkipped } from './skipped';

/**
 * Which responses can no longer win, so that the judges still to come need not score them. Exact: wherever all judges scoring all
 * responses would keep an instruction, the same response wins, ties and the tie rule included.
 */
export type EarlyJudgingInput = Pick<SelectionInput, 'responses' | 'judgments' | 'judges' | 'policy' | 'truncated'>;

/**
 * Where a judge is asked in rounds: how many responses to an instruction it is shown in each, before a last one with all that can still win.
 * The best prospect alone mostly sets a bound that few others reach; more rounds than these would save one to three hundredths
 * (bench/early-judging.ts), and each waits for the one before it.
 */
export const PROSPECTS_SHOWN = [1, 2] as const;

/** The ends of the judges' scale. */
const LEAST = 1;
const MOST = 5;

/** Sums of fractions round, and not alike with one score more or less: what is closer than this counts as equal, so nothing is skipped. */
const ROUNDING = 1e-9;

interface Standing {
  readonly response: Response;
  /** Least and greatest mean that it can end with. */
  readonly low: number;
  readonly high: number;
  /** Judgments that are not made: of judges still to come, and skipped ones. */
  readonly open: number;
  readonly scores: number;
  readonly skipped: boolean;
}

/**
 * Responses to one instruction that cannot win, whatever the judgments that are not made yet would be: one that may win is
 * certain to end with a greater mean. Of equals none is left out, since the tie rule has to see them.
 *
 * A judgment that could not be read (`score: null`) is no part of a mean. So an open one may become any score, or none; with 5 and
 * 1 in its place the mean is never below, and never above, what it can become.
 *
 * @param input all responses to the instruction, and the judgments by now, skipped ones included
 * @returns ids of responses
 * @throws {MethodError} on rows that do not belong together
 */
export function cannotWin(input: EarlyJudgingInput): Set<string> {
  const standings = standingsOf(input);
  const rulers = standings.filter((each) => mayWin(each, input));
  return ruledOut(standings, rulers, input);
}

/**
 * Responses that a judge is shown next: the best prospects of those that it has not scored, and that can still win.
 *
 * @returns ids, the best first; which of equals comes first decides nothing but the order of asking
 * @throws {MethodError} on rows that do not belong together
 */
export function bestProspects(input: EarlyJudgingInput, { judge, count }: { readonly judge: string; readonly count: number }): string[] {
  const standings = standingsOf(input);
  const out = ruledOut(
    standings,
    standings.filter((each) => mayWin(each, input)),
    input,
  );
  const scored = new Set(input.judgments.flatMap((each) => (each.judge === judge ? [each.responseId] : [])));
  // A cut response sets a bound for few others, or for none, where the rules put it behind whole ones.
  const isBehind = ({ response }: Standing): boolean => input.truncated !== 'keep' && isCut(response);
  const rank = (each: Standing): readonly number[] => [Number(!mayWin(each, input)), Number(isBehind(each)), -each.low];
  return standings
    .filter(({ response: { id } }) => !scored.has(id) && !out.has(id))
    .map((each) => ({ id: each.response.id, rank: rank(each) }))
    .sort((a, b) => a.rank.map((value, at) => value - b.rank[at]!).find((difference) => difference !== 0) ?? (a.id < b.id ? -1 : 1))
    .slice(0, count)
    .map(({ id }) => id);
}

/**
 * Responses that were skipped, and have to be judged after all: every response that ruled them out has ended without the scores
 * it needs. Where an instruction is lost by a missing score, nothing can be saved: none.
 *
 * @param input with the judgments of all judges
 * @returns ids of responses
 */
export function judgedAfterAll(input: EarlyJudgingInput): Set<string> {
  if (input.policy.keep === 'complete') return new Set();
  const standings = standingsOf(input);
  const skipped = standings.filter((each) => each.skipped);
  if (skipped.length === 0) return new Set();
  const rulers = standings.filter((each) => each.open === 0 && mayWin(each, input));
  const out = ruledOut(skipped, rulers, input);
  return new Set(skipped.flatMap(({ response: { id } }) => (out.has(id) ? [] : [id])));
}

/** Whether an instruction is judged in full whatever its responses' chances: a share of all, drawn by a seeded hash of its id. */
export function isAudited(instructionId: string, { seed, share }: { readonly seed: number; readonly share: number }): boolean {
  return hash32(`${seed}|audit|${instructionId}`) < share * 2 ** 32;
}

function standingsOf({ responses, judgments, judges }: EarlyJudgingInput): Standing[] {
  const made = judgments.filter((judgment) => !isSkipped(judgment));
  const known = new Set(made.map(({ responseId, judge }) => `${responseId}\n${judge}`));
  const open = responses.flatMap(({ id }) =>
    judges.filter((judge) => !known.has(`${id}\n${judge}`)).map((judge) => ({ responseId: id, judge })),
  );
  const filled = (score: number): Judgment[] => [...made, ...open.map(({ responseId, judge }) => filler(responseId, judge, score))];
  const [now, lows, highs] = [made, filled(LEAST), filled(MOST)].map(
    (rows) => new Map(meanScores({ responses, judgments: rows, judges }).map((mean) => [mean.responseId, mean])),
  );
  return responses.map((response) => ({
    response,
    // Without any score there is no mean: it cannot win, and rules nothing out.
    low: lows!.get(response.id)!.mean ?? Number.NEGATIVE_INFINITY,
    high: highs!.get(response.id)!.mean ?? Number.NEGATIVE_INFINITY,
    open: open.filter(({ responseId }) => responseId === response.id).length,
    scores: now!.get(response.id)!.judges,
    skipped: judgments.some((judgment) => judgment.responseId === response.id && isSkipped(judgment)),
  }));
}

/** Whether the selection's rules let it win, should the open judgments give scores. */
function mayWin({ response, open, scores }: Standing, { judges, policy, truncated }: EarlyJudgingInput): boolean {
  const needed = policy.keep === 'complete' ? judges.length : policy.minJudges;
  return scores + open >= needed && !(truncated === 'drop' && isCut(response));
}

function ruledOut(standings: readonly Standing[], rulers: readonly Standing[], { truncated }: EarlyJudgingInput): Set<string> {
  const isOut = ({ response, high }: Standing): boolean =>
    rulers.some(
      (ruler) =>
        ruler.low > high + ROUNDING &&
        // Where whole responses come first, a cut one rules out cut ones alone.
        (truncated !== 'last' || !isCut(ruler.response) || isCut(response)),
    );
  return new Set(standings.filter(isOut).map(({ response: { id } }) => id));
}

function filler(responseId: string, judge: string, score: number): Judgment {
  return {
    id: `${responseId}:${judge}`,
    responseId,
    instructionId: '',
    judge,
    score,
    scoredBy: 'text',
    raw: '',
    seed: 0,
    attempts: 0,
    usage: null,
  };
}
