import { createRandom } from '../method/random';
import type { Judgment, Response } from '../method/records';
import { selectBest } from '../method/selection';
import { isSkipped } from '../method/skipped';
import { type Asking, judgedEarly } from './judged-early';

/** What the judges are like. */
export interface SimulatedJudges {
  /** How alike the scores of two of them are. */
  readonly correlation: number;
  /** Part of all scores that is a 5. */
  readonly fives: keyof typeof ENDS;
}

export interface SimulatedJudging {
  /** Part of all responses that the last of three judges is shown. */
  readonly shown: number;
  /** Instructions whose winner is another than full judging's. */
  readonly differ: number;
}

const JUDGES = ['first', 'second', 'last'];
const GENERATORS = ['a', 'b', 'c'];
const SAMPLES = [0, 1, 2];
const RESPONSES = GENERATORS.length * SAMPLES.length;
/** Upper ends of the ratings 1 to 4 in standard deviations, by the part of scores that is a 5: of the others 5, 10, 20, 40 %; 2, 5, 13, 35 %; 2, 3, 10, 25 %. */
const ENDS = {
  0.25: [-1.645, -1.036, -0.385, 0.674],
  0.45: [-2.054, -1.476, -0.842, 0.126],
  0.6: [-2.054, -1.645, -1.036, -0.253],
} as const;

/**
 * Instructions of nine responses and three judges with whole scores, judged early. A score is the response's quality and the judge's own
 * noise, cut into five ratings.
 */
export function simulateJudging(instructions: number, { correlation, fives }: SimulatedJudges, asking: Asking): SimulatedJudging {
  const stream = createRandom(20_261_128);
  const uniform = (): number => (stream.below(2 ** 32 - 1) + 1) / 2 ** 32; // above 0, for its logarithm
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let shown = 0;
  let differ = 0;
  for (let number = 0; number < instructions; number++) {
    const id = `i${String(number).padStart(7, '0')}`;
    const responses = GENERATORS.flatMap((model) => SAMPLES.map((sample) => response(id, model, sample)));
    const scores = new Map(
      responses.map((each) => {
        const quality = normal() * Math.sqrt(correlation);
        return [each.id, JUDGES.map(() => rating(quality + normal() * Math.sqrt(1 - correlation), fives))] as const;
      }),
    );
    const full = responses.flatMap((each) => JUDGES.map((judge, at) => judgment(each, judge, scores.get(each.id)![at]!)));
    const early = judgedEarly({ ...RULES, responses, judgments: full, generators: GENERATORS }, asking);
    shown += early.filter((each) => each.judge === JUDGES.at(-1) && !isSkipped(each)).length;
    if (winnerOf(id, responses, early) !== winnerOf(id, responses, full)) differ++;
  }
  return { shown: shown / (instructions * RESPONSES), differ };
}

const RULES = { judges: JUDGES, policy: { keep: 'complete' }, truncated: 'keep' } as const;

function winnerOf(id: string, responses: readonly Response[], judgments: readonly Judgment[]): string {
  const instruction = { id, text: '', model: '', finishReason: 'stop', seed: 0, attempts: 1, usage: null } as const;
  const selected = selectBest({ ...RULES, instruction, responses, judgments, expectedResponses: RESPONSES, seed: 42 });
  return 'replay' in selected ? selected.replay.responseId : 'none';
}

function rating(value: number, fives: keyof typeof ENDS): number {
  return 1 + ENDS[fives].filter((end) => value > end).length;
}

function response(instructionId: string, model: string, sample: number): Response {
  return {
    id: `${instructionId}:${model}:${sample}`,
    instructionId,
    model,
    sample,
    text: '',
    finishReason: 'stop',
    seed: 0,
    attempts: 1,
    usage: null,
  };
}

function judgment({ id, instructionId }: Response, judge: string, score: number): Judgment {
  return {
    id: `${id}:${judge}`,
    responseId: id,
    instructionId,
    judge,
    score,
    scoredBy: 'text',
    raw: '',
    seed: 0,
    attempts: 1,
    usage: null,
  };
}
