import { bestProspects, cannotWin, PROSPECTS_SHOWN } from '../method/early-judging';
import { createRandom } from '../method/random';
import type { Judgment, Response } from '../method/records';
import { selectBest } from '../method/selection';
import { CANNOT_WIN } from '../method/skipped';

/** How a later judge gets at an instruction's responses, as under `synthesis.judge.rounds`; and one response after the other, as a bound. */
export const ASKING = ['generators', 'prospects', 'singly'] as const;
export type Asking = (typeof ASKING)[number];

/** How alike the scores of two judges are: from not at all to nearly the same. */
export const CORRELATIONS = [0, 0.25, 0.5, 0.75, 0.9];

export interface SimulatedJudging {
  /** Part of all responses that the last of three judges is shown. */
  readonly shown: number;
  /** Instructions whose winner is another than full judging's. */
  readonly differ: number;
}

const JUDGES = ['first', 'second', 'last'];
const RESPONSES = 9;
/** Of each of three generators. */
const SAMPLES = 3;
/** Upper ends of the ratings 1 to 4 in standard deviations: 5 %, 10 %, 20 %, 40 % and 25 % of all scores. */
const ENDS = [-1.645, -1.036, -0.385, 0.674];
const SINGLY = Array.from({ length: RESPONSES }, () => 1);

/**
 * Instructions of nine responses and three judges with whole scores, judged early. A score is the response's quality and the judge's own
 * noise, cut into five ratings whose shares are those of judges that like most answers.
 */
export function simulateJudging(instructions: number, correlation: number, asking: Asking): SimulatedJudging {
  const stream = createRandom(20_261_128);
  const uniform = (): number => (stream.below(2 ** 32 - 1) + 1) / 2 ** 32; // above 0, for its logarithm
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let shown = 0;
  let differ = 0;
  for (let number = 0; number < instructions; number++) {
    const id = `i${String(number).padStart(7, '0')}`;
    const responses = Array.from({ length: RESPONSES }, (_, sample) => response(id, sample));
    const scores = new Map(
      responses.map((each) => {
        const quality = normal() * Math.sqrt(correlation);
        return [each.id, JUDGES.map(() => rating(quality + normal() * Math.sqrt(1 - correlation)))] as const;
      }),
    );
    const full = responses.flatMap((each) => JUDGES.map((judge, at) => judgment(each, judge, scores.get(each.id)![at]!)));
    const early = judgedEarly(responses, full, asking);
    shown += early.filter(({ judge, reason }) => judge === JUDGES.at(-1) && reason !== CANNOT_WIN).length;
    if (winnerOf(id, responses, early) !== winnerOf(id, responses, full)) differ++;
  }
  return { shown: shown / (instructions * RESPONSES), differ };
}

const RULES = { judges: JUDGES, policy: { keep: 'complete' }, truncated: 'keep' } as const;

/** The judgments of full judging that are asked for; in the place of the others, that they were skipped. */
function judgedEarly(responses: readonly Response[], full: readonly Judgment[], asking: Asking): Judgment[] {
  const last = JUDGES.at(-1)!;
  const made = full.filter(({ judge }) => judge !== last); // the second of three can leave nothing out
  const ofLast = new Map(full.flatMap((each) => (each.judge === last ? [[each.responseId, each] as const] : [])));
  const input = { ...RULES, responses };
  const settle = (asked: readonly Response[]): void => {
    const skip = cannotWin({ ...input, judgments: [...made] });
    made.push(...asked.map((each) => (skip.has(each.id) ? judgment(each, last, null) : ofLast.get(each.id)!)));
  };
  if (asking === 'generators') {
    for (let first = 0; first < RESPONSES; first += SAMPLES) settle(responses.slice(first, first + SAMPLES));
    return made;
  }
  for (const count of asking === 'prospects' ? PROSPECTS_SHOWN : SINGLY) {
    const next = bestProspects({ ...input, judgments: [...made] }, { judge: last, count });
    made.push(...next.map((id) => ofLast.get(id)!));
  }
  const asked = new Set(made.filter(({ judge }) => judge === last).map(({ responseId }) => responseId));
  settle(responses.filter(({ id }) => !asked.has(id)));
  return made;
}

function winnerOf(id: string, responses: readonly Response[], judgments: readonly Judgment[]): string {
  const instruction = { id, text: '', model: '', finishReason: 'stop', seed: 0, attempts: 1, usage: null } as const;
  const selected = selectBest({ ...RULES, instruction, responses, judgments, expectedResponses: RESPONSES, seed: 42 });
  return 'replay' in selected ? selected.replay.responseId : 'none';
}

function rating(value: number): number {
  return 1 + ENDS.filter((end) => value > end).length;
}

function response(instructionId: string, sample: number): Response {
  return {
    id: `${instructionId}:m:${sample}`,
    instructionId,
    model: 'm',
    sample,
    text: '',
    finishReason: 'stop',
    seed: 0,
    attempts: 1,
    usage: null,
  };
}

function judgment({ id, instructionId }: Response, judge: string, score: number | null): Judgment {
  const base = {
    id: `${id}:${judge}`,
    responseId: id,
    instructionId,
    judge,
    scoredBy: 'text',
    raw: '',
    seed: 0,
    attempts: 1,
    usage: null,
  } as const;
  return { ...base, score, ...(score === null ? { reason: CANNOT_WIN } : {}) };
}
