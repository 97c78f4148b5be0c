import { runSpecSchema } from '../../../config/spec';
import type { Variant } from '../../../config/variants';
import { reportComparison, type VariantSource } from '../../../report/gather/comparison-report';
import type { StoredEvaluation } from '../../../report/gather/evaluation-report';
import { comparisonSection } from '../../../report/page/sections/comparison-section';

const TASKS = ['mmlu_pro', 'ifeval'] as const;
const SPEC = { seed: 1, evaluate: runSpecSchema.shape.evaluate.parse({ tasks: TASKS.map((task) => ({ task })) }) };
const DOCUMENTS = 200;

/** An evaluation that is right on the documents that `right` says, of either task. */
function evaluation(right: (index: number) => boolean, promptHash = 'p'): StoredEvaluation {
  const score = (task: string): number => {
    const value = Array.from({ length: DOCUMENTS }, (_, index) => index).filter(right).length / DOCUMENTS;
    return task === 'mmlu_pro' ? Math.max(0, (value - 0.1) / 0.9) * 100 : value * 100;
  };
  const tasks = TASKS.map((task) => ({
    task,
    metrics: {},
    stderr: {},
    primary: { name: 'acc', value: 0, stderr: null },
    normalized: score(task),
    documents: DOCUMENTS,
  }));
  return {
    result: {
      protocol: 1,
      kind: 'evaluate',
      tasks,
      average: (tasks[0]!.normalized + tasks[1]!.normalized) / 2,
      seconds: 1,
      versions: {},
      weightsSha256: 'w',
    },
    samples: TASKS.flatMap((task) =>
      Array.from({ length: DOCUMENTS }, (_, index) => ({
        task,
        docId: String(index),
        docHash: `d${String(index).padStart(3, '0')}`,
        promptHash,
        correct: right(index),
        score: right(index) ? 1 : 0,
      })),
    ),
    losses: [],
  };
}

function source(name: string, replay: Variant['replay'], parts: Partial<VariantSource> = {}): VariantSource {
  return {
    variant: { name, replay, newShare: 0.17 },
    evaluation: undefined,
    training: { tokens: 5_000, steps: 10 },
    dataCost: { tokens: 1e6, usd: 2 },
    mixture: { replay: 83, new: 17, share: 0.17, short: false },
    ...parts,
  };
}

const official = source('official', null, { evaluation: evaluation((index) => index < 120), mixture: null, training: null });

test('a variant that is right on the same documents has lost nothing; one that is right on fewer has, beyond doubt', () => {
  const [base, same, worse] = reportComparison(SPEC, [
    official,
    source('method', { kind: 'method' }, { evaluation: evaluation((index) => index < 120) }),
    source('new-data-only', { kind: 'none' }, { evaluation: evaluation((index) => index < 80) }),
  ]);
  expect(base).toMatchObject({ state: 'evaluated', averageChange: null, examples: null });
  expect(same!.averageChange).toMatchObject({ value: 0, low: null, high: null, adjustedP: 1, verdict: 'no difference seen' });
  // 6 comparisons: of 200 documents of each of two tasks 8 have to change to one side, 2 x 2^-8 being the first p below 0.05 / 6.
  expect(same!.averageChange!.smallest).toBeCloseTo(((8 / 200) * 100) / 2, 9);
  expect(worse!.tasks[0]!.change!.value).toBeCloseTo((-40 / 200 / 0.9) * 100, 9);
  expect(worse!.tasks[1]).toMatchObject({ transitions: { documents: 200, forgotten: 40, learned: 0 } });
  expect(worse!.averageChange).toMatchObject({ verdict: 'differs', exact: true });
  expect(worse!.averageChange!.high).toBeLessThan(0);
  expect(worse!.worst!.task).toBe('mmlu_pro');
});

test('an exchange that the average hides shows in the transitions', () => {
  const [, exchanged] = reportComparison(SPEC, [
    official,
    source('method', { kind: 'method' }, { evaluation: evaluation((index) => index >= 30 && index < 150) }),
  ]);
  expect(exchanged!.averageChange!.value).toBeCloseTo(0, 9);
  expect(exchanged!.tasks[1]!.transitions).toMatchObject({ forgotten: 30, learned: 30 });
  expect(exchanged!.tasks[0]!.transitions!.beyondChance.forgotten).toBeLessThan(30);
});

test('documents with other prompts are not compared, and no average is taken over the rest', () => {
  const [, other] = reportComparison(SPEC, [
    official,
    source('method', { kind: 'method' }, { evaluation: evaluation((index) => index < 120, 'another') }),
  ]);
  expect(other!.tasks.map(({ change, unpaired }) => [change, unpaired])).toEqual(
    Array(2).fill([null, '200 of 200 documents had another prompt']),
  );
  expect(other!.averageChange).toBeNull();
});

test('a variant that failed, runs or waits is shown as what it is', () => {
  const variants = reportComparison(SPEC, [
    official,
    source('method', { kind: 'method' }, { failure: 'the loss is no number', training: null }),
    source('ultrachat', { kind: 'none' }),
    source('later', { kind: 'none' }, { mixture: null, training: null }),
  ]);
  expect(variants.map(({ state }) => state)).toEqual(['evaluated', 'failed', 'trained', 'waiting']);
  const section = JSON.stringify(comparisonSection(variants, 0.17));
  expect(section).toContain('method failed: the loss is no number');
  expect(section).toContain('trained, not evaluated yet');
});

test('with one trained variant there is nothing to compare it with', () => {
  expect(comparisonSection(reportComparison(SPEC, [official, source('method', { kind: 'method' })]), 0.17)).toBeUndefined();
});
