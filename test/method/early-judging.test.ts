import { bestProspects, cannotWin, isAudited, judgedAfterAll, PROSPECTS_SHOWN, type EarlyJudgingInput } from '../../method/early-judging';
import { createRandom } from '../../method/random';
import type { Instruction, Judgment, Response } from '../../method/records';
import { selectBest, TRUNCATED_RULES, type Selection, type SelectionPolicy } from '../../method/selection';
import { CANNOT_WIN, isSkipped, settledJudgments } from '../../method/skipped';

const INSTRUCTION: Instruction = { id: 'i0', text: 'Q?', model: 't', finishReason: 'stop', seed: 1, attempts: 1, usage: null };

function response(model: string, sample: number, cut = false): Response {
  return {
    id: `i0:${model}:${sample}`,
    instructionId: 'i0',
    model,
    sample,
    text: `Answer ${sample} of ${model}.`,
    finishReason: cut ? 'length' : 'stop',
    seed: 1,
    attempts: 1,
    usage: null,
  };
}

function judgment(responseId: string, judge: string, score: number | null, reason?: string): Judgment {
  return {
    id: `${responseId}:${judge}`,
    responseId,
    instructionId: 'i0',
    judge,
    score,
    scoredBy: 'text',
    raw: '',
    seed: 1,
    attempts: 1,
    usage: null,
    ...(reason === undefined ? (score === null ? { reason: 'unclear rating' } : {}) : { reason }),
  };
}

interface World {
  readonly responses: readonly Response[];
  readonly judges: readonly string[];
  /** What each judge says of each response when it is asked. */
  readonly says: ReadonlyMap<string, Judgment>;
  readonly policy: SelectionPolicy;
  readonly truncated: (typeof TRUNCATED_RULES)[number];
  readonly seed: number;
}

/** What a judge is shown before all that can still win: nothing, or the best prospects, so many at a time. */
const ROUNDS: Readonly<Record<string, readonly number[]>> = {
  'all at once': [],
  'the best prospects first': PROSPECTS_SHOWN,
  'one after the other': Array.from({ length: 9 }, () => 1),
};

/** Judges in order, each asked only for what can still win, and those that have to be judged after all; returns all judgments. */
function early(
  { responses, judges, says, policy, truncated }: World,
  rounds: readonly number[],
): { readonly judgments: Judgment[]; readonly again: number } {
  const rules = { responses, judges, policy, truncated } satisfies Omit<EarlyJudgingInput, 'judgments'>;
  const made: Judgment[] = [];
  judges.forEach((judge, position) => {
    const ask = (ids: readonly string[]): void => void made.push(...ids.map((id) => says.get(`${id}:${judge}`)!));
    if (position > 0) for (const count of rounds) ask(bestProspects({ ...rules, judgments: [...made] }, { judge, count }));
    const skip = position === 0 ? new Set<string>() : cannotWin({ ...rules, judgments: [...made] });
    const asked = new Set(made.flatMap((each) => (each.judge === judge ? [each.responseId] : [])));
    const open = responses.filter(({ id }) => !asked.has(id)).map(({ id }) => id);
    ask(open.filter((id) => !skip.has(id)));
    made.push(...open.filter((id) => skip.has(id)).map((id) => judgment(id, judge, null, CANNOT_WIN)));
  });
  const after = judgedAfterAll({ ...rules, judgments: made });
  const again = made.filter((each) => isSkipped(each) && after.has(each.responseId)).map(({ id }) => says.get(id)!);
  return { judgments: settledJudgments([...made, ...again]), again: again.length };
}

function select({ responses, judges, policy, truncated, seed }: World, judgments: readonly Judgment[]): Selection {
  return selectBest({
    instruction: INSTRUCTION,
    responses,
    judgments,
    judges,
    policy,
    truncated,
    seed,
    expectedResponses: responses.length,
  });
}

/** The winner with its mean, and who shared it. */
function summaryOf(selection: Selection): string {
  return 'replay' in selection ? JSON.stringify([selection.replay, selection.best]) : selection.lost.reason;
}

function randomWorld(random: () => number): World {
  const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const judges = ['zeta', 'alpha', 'Mid', 'gpt-4', 'b'].slice(0, pick(1, 2, 3, 3, 3, 4, 5, 5));
  const models = ['a', 'b', 'c'].slice(0, pick(1, 2, 3, 3));
  const samples = pick(1, 2, 3, 3);
  const cutShare = pick(0, 0.3, 0.9);
  const missingShare = pick(0, 0, 0.05, 0.4);
  const real = random() < 0.4;
  const scale = pick(1, 3, 9); // scores close together tie more often
  const responses = models.flatMap((model) => Array.from({ length: samples }, (_, sample) => response(model, sample, random() < cutShare)));
  const says = new Map<string, Judgment>();
  for (const { id } of responses) {
    const quality = random();
    for (const judge of judges) {
      const raw = real ? 1 + 4 * ((quality + random()) / 2) : 1 + Math.min(4, Math.floor((5 * (quality * scale + random())) / (scale + 1)));
      const score = Math.min(5, Math.max(1, raw));
      says.set(`${id}:${judge}`, judgment(id, judge, random() < missingShare ? null : score));
    }
  }
  const policy: SelectionPolicy =
    random() < 0.5 ? { keep: 'complete' } : { keep: 'available', minJudges: pick(judges.length, 1 + Math.floor(random() * judges.length)) };
  return { responses, judges, says, policy, truncated: pick(...TRUNCATED_RULES), seed: Math.floor(random() * 1e6) };
}

test.each(Object.keys(ROUNDS))(
  '%s: wherever full judging keeps an instruction, the same response wins, with the same mean and the same ties',
  (way) => {
    const stream = createRandom(15);
    const random = (): number => stream.below(2 ** 32) / 2 ** 32;
    const strange: unknown[] = [];
    let [skipped, kept, savedByEarly, again, tied] = [0, 0, 0, 0, 0];
    for (let round = 0; round < 1_500; round++) {
      const world = randomWorld(random);
      const full = select(world, [...world.says.values()]);
      const { judgments, again: repeated } = early(world, ROUNDS[way]!);
      const chosen = select(world, judgments);
      skipped += judgments.filter(isSkipped).length;
      again += repeated;
      if ('replay' in full) {
        kept++;
        if (full.tied) tied++;
      } else if ('replay' in chosen) {
        // Only where full judging lost the instruction to a missing score of a response that could not have won.
        savedByEarly++;
        if (world.policy.keep !== 'complete' || !full.lost.reason.startsWith('scores missing')) strange.push({ round, full, chosen });
      }
      if ('replay' in full && summaryOf(chosen) !== summaryOf(full)) strange.push({ round, full, chosen });
    }
    expect(strange).toEqual([]);
    // The worlds hold all that the rule is about.
    for (const count of [skipped, kept, tied]) expect(count).toBeGreaterThan(100);
    for (const count of [savedByEarly, again]) expect(count).toBeGreaterThan(0);
  },
);

describe('what is skipped', () => {
  const judges = ['j1', 'j2', 'j3'];
  const [a, b] = [response('a', 0), response('b', 0)];
  const rules = { responses: [a, b], judges, policy: { keep: 'complete' }, truncated: 'keep' } as const;
  const scores = (of: Readonly<Record<string, readonly number[]>>): Judgment[] =>
    Object.entries(of).flatMap(([id, given]) => given.map((score, index) => judgment(id, judges[index]!, score)));

  test('is only what is strictly below: one that can still tie is judged', () => {
    // (5 + 5 + 1) / 3 against (1 + 1 + 5) / 3, and against (1 + 5 + 5) / 3.
    expect(cannotWin({ ...rules, judgments: scores({ [a.id]: [5, 5], [b.id]: [1, 1] }) })).toEqual(new Set([b.id]));
    expect(cannotWin({ ...rules, judgments: scores({ [a.id]: [5, 5], [b.id]: [1, 5] }) })).toEqual(new Set());
    expect(cannotWin({ ...rules, judgments: [] })).toEqual(new Set());
  });

  test('is nothing that is ruled out by a response that the rules do not let win', () => {
    const cut = response('a', 0, true);
    const judgments = scores({ [cut.id]: [5, 5], [b.id]: [1, 1] });
    const responses = [cut, b];
    expect(cannotWin({ ...rules, responses, judgments })).toEqual(new Set([b.id]));
    expect(cannotWin({ ...rules, responses, judgments, truncated: 'drop' })).toEqual(new Set());
    expect(cannotWin({ ...rules, responses, judgments, truncated: 'last' })).toEqual(new Set());
    const missing = [...scores({ [b.id]: [1, 1] }), judgment(a.id, 'j1', null), judgment(a.id, 'j2', 5)];
    expect(cannotWin({ ...rules, judgments: missing })).toEqual(new Set());
  });

  test('is judged after all when the response that ruled it out ends without the scores that it needs', () => {
    const available = { ...rules, policy: { keep: 'available', minJudges: 3 } } as const;
    const judgments = [...scores({ [a.id]: [5, 5], [b.id]: [1, 1] }), judgment(a.id, 'j3', null), judgment(b.id, 'j3', null, CANNOT_WIN)];
    expect(judgedAfterAll({ ...available, judgments })).toEqual(new Set([b.id]));
    expect(judgedAfterAll({ ...available, policy: { keep: 'available', minJudges: 2 }, judgments })).toEqual(new Set());
    // Under `complete` the missing score has lost the instruction.
    expect(judgedAfterAll({ ...rules, judgments })).toEqual(new Set());
  });
});

describe('the best prospects', () => {
  const judges = ['j1', 'j2', 'j3'];
  const [a, b, c, d] = [response('a', 0), response('b', 0, true), response('c', 0), response('d', 0)];
  const scores = { [a.id]: [3, 3], [b.id]: [5, 5], [c.id]: [4, 5], [d.id]: [1, 1] };
  const judgments = Object.entries(scores).flatMap(([id, given]) => given.map((score, at) => judgment(id, judges[at]!, score)));
  const rules = { responses: [a, b, c, d], judges, policy: { keep: 'complete' }, truncated: 'keep', judgments } as const;

  test('are those with the best scores so far, without what cannot win and what the judge has scored', () => {
    expect(bestProspects(rules, { judge: 'j3', count: 9 })).toEqual([b.id, c.id, a.id]);
    expect(bestProspects(rules, { judge: 'j3', count: 1 })).toEqual([b.id]);
    const scored = [...judgments, judgment(b.id, 'j3', 2)];
    expect(bestProspects({ ...rules, judgments: scored }, { judge: 'j3', count: 9 })).toEqual([c.id]);
  });

  test('are whole responses first where the rules put cut ones behind', () => {
    expect(bestProspects({ ...rules, truncated: 'last' }, { judge: 'j3', count: 9 })).toEqual([c.id, a.id, b.id]);
  });

  test('are no response first that the rules do not let win any more', () => {
    const missing = judgments.map((each) => (each.responseId === b.id && each.judge === 'j1' ? judgment(b.id, 'j1', null) : each));
    expect(bestProspects({ ...rules, judgments: missing }, { judge: 'j3', count: 2 })).toEqual([c.id, a.id]);
  });
});

test('instructions are audited by their id, as many as asked for', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `i${String(index).padStart(7, '0')}`);
  const audited = ids.filter((id) => isAudited(id, { seed: 7, share: 0.02 }));
  expect(audited.length).toBeGreaterThan(320);
  expect(audited.length).toBeLessThan(480);
  expect(ids.some((id) => isAudited(id, { seed: 7, share: 0 }))).toBe(false);
  expect(ids.every((id) => isAudited(id, { seed: 7, share: 1 }))).toBe(true);
});
