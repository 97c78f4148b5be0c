import { cannotWin } from '../method/early-judging';
import { createRandom } from '../method/random';
import type { Judgment, Response } from '../method/records';
import { selectBest } from '../method/selection';
import { CANNOT_WIN } from '../method/skipped';

/**
 * How much of the last judge's work early judging leaves out, and how that moves with the judges' agreement: instructions of nine
 * responses, three judges with whole scores. A score is the response's quality and the judge's own noise, cut into five ratings
 * whose shares are those of judges that like most answers. Fails when a winner is another than full judging's.
 *
 * node dist/bench/early-judging.js [INSTRUCTIONS]
 */
const JUDGES = ['first', 'second', 'last'];
const RESPONSES = 9;
/** Of each of three generators. */
const SAMPLES = 3;
/** Upper ends of the ratings 1 to 4 in standard deviations: 5 %, 10 %, 20 %, 40 % and 25 % of all scores. */
const ENDS = [-1.645, -1.036, -0.385, 0.674];

interface Figures {
  readonly correlation: number;
  readonly shown: number;
  readonly differ: number;
}

function simulate(instructions: number, correlation: number): Figures {
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
    const say = (of: Response, judge: number, skipped = false): Judgment =>
      judgment(of, JUDGES[judge]!, skipped ? null : scores.get(of.id)![judge]!);
    const rules = { responses, judges: JUDGES, policy: { keep: 'complete' }, truncated: 'keep' } as const;
    const early: Judgment[] = [];
    for (const judge of JUDGES.keys()) {
      // A later judge is asked about one generator after the other, three responses each.
      for (let first = 0; first < RESPONSES; first += SAMPLES) {
        const skip = judge === 0 ? new Set<string>() : cannotWin({ ...rules, judgments: [...early] });
        const asked = responses.slice(first, first + SAMPLES);
        early.push(...asked.map((each) => say(each, judge, skip.has(each.id))));
        if (judge === JUDGES.length - 1) shown += asked.filter(({ id: own }) => !skip.has(own)).length;
      }
    }
    const full = responses.flatMap((each) => JUDGES.map((_, judge) => say(each, judge)));
    const winner = (judgments: readonly Judgment[]): string => {
      const instruction = { id, text: '', model: '', finishReason: 'stop', seed: 0, attempts: 1, usage: null } as const;
      const selected = selectBest({ ...rules, instruction, judgments, expectedResponses: RESPONSES, seed: 42 });
      return 'replay' in selected ? selected.replay.responseId : 'none';
    };
    if (winner(early) !== winner(full)) differ++;
  }
  return { correlation, shown: shown / (instructions * RESPONSES), differ };
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

const instructions = Number(process.argv[2] ?? 100_000);
console.log('| correlation of two judges | shown to the last of three | winners that differ |\n| ---: | ---: | ---: |');
let differ = 0;
for (const correlation of [0, 0.25, 0.5, 0.75, 0.9]) {
  const figures = simulate(instructions, correlation);
  differ += figures.differ;
  console.log(`| ${correlation} | ${(100 * figures.shown).toFixed(1)} % | ${figures.differ} |`);
}
if (differ > 0) process.exitCode = 1;
