import { adjustForChance, compareSamples, normalizeScore, scoreDifference, type EvaluatedDocument } from '../../method/forgetting';

const document = (docHash: string, correct: boolean | null, promptHash = `p-${docHash}`): EvaluatedDocument => ({
  docHash,
  promptHash,
  correct,
});

describe("the leaderboard's normalised score", () => {
  it.each([
    ['gpqa', 0.25, 0],
    ['gpqa', 0.2, 0],
    ['gpqa', 0.625, 50],
    ['gpqa', 1, 100],
    ['mmlu_pro', 0.1, 0],
    ['mmlu_pro', 0.55, 50],
    ['ifeval', 0.5, 50],
    ['math_level_5', 0.2334, 23.34],
  ] as const)('of %s at %d is %d', (task, raw, expected) => {
    expect(normalizeScore(task, raw)).toBeCloseTo(expected, 10);
  });

  it.each([-0.1, 1.1, 46.74, Number.NaN])('is refused for a raw score of %d', (raw) => {
    expect(() => normalizeScore('mmlu_pro', raw)).toThrow('the raw score of mmlu_pro is');
  });
});

describe('the difference of two scores', () => {
  it('has the root of the summed squares as its error', () => {
    expect(scoreDifference({ value: 0.5, stderr: 0.03 }, { value: 0.45, stderr: 0.04 })).toEqual({
      value: expect.closeTo(-0.05, 12),
      stderr: expect.closeTo(0.05, 12),
    });
  });

  it('has no error when either score has none', () => {
    expect(scoreDifference({ value: 0.5, stderr: null }, { value: 0.6, stderr: 0.04 }).stderr).toBeNull();
  });
});

describe('two models on the same documents', () => {
  const before = [
    document('a', true),
    document('b', true),
    document('c', false),
    document('d', false),
    document('e', null),
    document('f', true),
  ];
  const after = [
    document('d', false),
    document('c', true),
    document('b', false),
    document('a', true),
    document('e', null),
    document('g', true),
  ];

  it('are told apart by what was forgotten, learned and kept', () => {
    expect(compareSamples(before, after)).toEqual({
      comparable: true,
      retained: 1,
      forgotten: 1,
      learned: 1,
      neverRight: 1,
      undecided: 1,
      onlyBefore: 1,
      onlyAfter: 1,
      forgottenDocs: ['b'],
      learnedDocs: ['c'],
      // Differences 0, -1, 1, 0: sample variance 2/3, over 4.
      difference: { value: 0, stderr: expect.closeTo(Math.sqrt(2 / 3 / 4), 12) },
    });
  });

  it('have a paired error far below that of independent samples when they mostly agree', () => {
    const many = Array.from({ length: 100 }, (_, n) => document(`d${String(n).padStart(2, '0')}`, n < 50));
    const changed = many.map((doc, n) => (n === 0 ? { ...doc, correct: false } : doc));
    const comparison = compareSamples(many, changed);
    expect(comparison).toMatchObject({
      comparable: true,
      forgotten: 1,
      retained: 49,
      difference: { value: -0.01, stderr: expect.closeTo(0.01, 12) },
    });
  });

  it('are not compared when prompts differ', () => {
    const other = [document('a', true, 'other options first'), document('b', true)];
    expect(compareSamples(before, other)).toEqual({ comparable: false, reason: '1 of 2 documents had another prompt' });
  });

  it('are not compared without a common document', () => {
    expect(compareSamples([document('a', true)], [document('z', true)])).toEqual({
      comparable: false,
      reason: 'no document is in both lists',
    });
    expect(compareSamples([], [])).toMatchObject({ comparable: false });
  });

  it('have no difference where nothing is right or wrong, and no error from one document', () => {
    expect(compareSamples([document('a', null)], [document('a', true)])).toMatchObject({ undecided: 1, difference: null });
    expect(compareSamples([document('a', true)], [document('a', false)])).toMatchObject({ difference: { value: -1, stderr: null } });
  });

  it('are refused when a list has a document twice', () => {
    expect(() => compareSamples([document('a', true), document('a', true)], after)).toThrow('the document a is twice in the list before');
    expect(() => compareSamples(before, [document('a', true), document('a', true)])).toThrow('twice in the list after');
  });
});

describe('adjustForChance', () => {
  test('two models that only guess have neither forgotten nor learned', () => {
    // 1,600 documents of 4 options: right on both sides 1/16, each change 3/16, wrong on both 9/16.
    const { forgotten, learned } = adjustForChance({ forgotten: 300, learned: 300, neverRight: 900 }, 0.25);
    expect(forgotten).toBeCloseTo(0, 10);
    expect(learned).toBeCloseTo(0, 10);
  });

  test('what was known and is now guessed counts in full', () => {
    // 400 known before: now guessed, 100 of them still right by luck.
    expect(adjustForChance({ forgotten: 300, learned: 0, neverRight: 0 }, 0.25).forgotten).toBeCloseTo(400, 10);
  });

  test('without options to guess among nothing changes', () => {
    expect(adjustForChance({ forgotten: 5, learned: 3, neverRight: 90 }, 0)).toEqual({ forgotten: 5, learned: 3 });
  });

  test('a chance that is none is refused', () => {
    expect(() => adjustForChance({ forgotten: 1, learned: 1, neverRight: 1 }, 1)).toThrow('the chance of guessing right is 1');
  });
});
