import { reportWarnings, type WarningSources } from '../../../report/gather/report-warnings';

type Alpha = WarningSources['synthesis']['scores']['agreement']['alpha'];

function warningsOf({
  alpha = { alpha: 0.6, units: 90, values: 270 },
  cut = 0,
  lost = 0,
  documents = [200, 200],
}: {
  readonly alpha?: Alpha;
  readonly cut?: number;
  /** Judgments of the judge "small" without a score, of 100 of which it was not shown 20. */
  readonly lost?: number;
  /** By task. */
  readonly documents?: readonly number[];
}): string[] {
  const balance = { pending: 0 };
  return reportWarnings({
    finished: true,
    synthesis: {
      instructions: balance,
      responses: balance,
      judgments: balance,
      recomputed: { equal: 10, checked: 10 },
      scores: { agreement: { alpha } },
      skips: { judges: [{ judge: 'small', judgments: 100, skipped: 20 }] },
    },
    mixture: { replay: { examples: 8 }, new: { examples: 2 }, cut },
    evaluation: {
      tasks: documents.map((count, at) => ({ task: ['mmlu_pro', 'ifeval'][at], tooFew: count < 100 })),
      fewestDocuments: documents.length === 0 ? null : Math.min(...documents),
    },
    provenance: [{ stage: 'judge', model: 'small', outdated: 1 }],
    usage: [
      { stage: 'respond', model: 'small', rows: 10 },
      { stage: 'judge', model: 'small', rows: 100 },
    ],
    losses: [
      { stage: 'respond', reason: 'empty', models: { small: 90 } },
      { stage: 'judge', reason: 'truncated', models: { small: lost, large: 3 } },
    ],
    damage: [],
  } as unknown as WarningSources);
}

const OUTDATED = expect.stringMatching(/^Made from inputs/);

test('what invalidates a report is said before all else', () => {
  expect(warningsOf({})).toEqual([OUTDATED]);
  expect(warningsOf({ cut: 9 })).toEqual([expect.stringMatching(/^9 of 10 examples of the mixture end where .*maxTokens/), OUTDATED]);
  expect(warningsOf({ alpha: { alpha: -0.02, units: 90, values: 270 } })).toEqual([
    expect.stringMatching(/^The judges do not agree: Krippendorff's alpha is -0\.02 over 90 responses/),
    OUTDATED,
  ]);
});

test('too few documents are among what is said first', () => {
  expect(warningsOf({ documents: [26, 10] })).toEqual([
    expect.stringMatching(
      /^A demonstration, which measures nothing\. Every task was evaluated on very few documents \(as few as 10\).* by 10 points/,
    ),
    OUTDATED,
  ]);
  expect(warningsOf({ documents: [200, 50] })[0]).toMatch(/nothing\. ifeval was evaluated .* by 2 points/);
  expect(warningsOf({ documents: [] })).toEqual([OUTDATED]);
});

test('a few cut answers, few responses and a single judge are no reason for it', () => {
  expect(warningsOf({ cut: 4 })).toEqual([OUTDATED]);
  expect(warningsOf({ alpha: { alpha: -0.5, units: 8, values: 24 } })).toEqual([OUTDATED]);
  expect(warningsOf({ alpha: { alpha: null, reason: 'one judge', units: 0, values: 0 } })).toEqual([OUTDATED]);
});

test('a judge that often gives no score is said so, by what it was shown', () => {
  expect(warningsOf({ lost: 20 })).toEqual([
    'The judge small gave no score for 20 of the 80 responses that it was shown (25 %), 20 times because of "truncated": raise synthesis.judge.sampling.maxTokens.',
    OUTDATED,
  ]);
  expect(warningsOf({ lost: 7 })).toEqual([OUTDATED]);
});
