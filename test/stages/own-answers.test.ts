import type { RunSpecInput } from '../../config/spec';
import { planCost } from '../../planning/cost-plan';
import { stageKeys, type StageKeys } from '../../stages/chain';
import { ownAnswersPlan, ownAnswersPlans, methodShards } from '../../stages/own-answers-plan';
import { smallSpec } from '../support/small-spec';

const CONTENT = { newData: 'new-data', weights: 'weights', evaluation: ['hub'], replayFiles: { '/set.jsonl': 'abc' } };

type Row = NonNullable<RunSpecInput['variants']>[number];

const first: Row = { name: 'own', replay: { ownAnswers: '/set.jsonl' } };
const judged: Row = { name: 'own', replay: { ownAnswers: '/set.jsonl', pick: 'judged' } };

function spec(rows: readonly Row[], change: (input: RunSpecInput) => void = () => undefined) {
  return smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.variants = [...rows];
    change(input);
  });
}

function keysOf(rows: readonly Row[], change?: (input: RunSpecInput) => void, content: Partial<typeof CONTENT> = {}): StageKeys {
  return stageKeys(spec(rows, change), { ...CONTENT, ...content });
}

const own = (keys: StageKeys) => keys.own!['own']!;

describe('keys of own answers', () => {
  test('leave those of the synthesis, and of other rows, as they are without them', () => {
    const { own: _own, variants: all, ...withRow } = keysOf(['method', first]);
    const { variants, ...without } = keysOf(['method']);
    expect(withRow).toEqual(without);
    expect(all['method']).toEqual(variants['method']);
  });

  test('depend on the set, on how many prompts are asked for, on the target and on who judges', () => {
    const before = own(keysOf([judged]));
    expect(own(keysOf([judged], undefined, { replayFiles: { '/set.jsonl': 'other' } })).prompts).not.toBe(before.prompts);
    expect(own(keysOf([judged], (input) => (input.synthesis.extract.instructions = 9))).prompts).not.toBe(before.prompts);
    const hotter = own(keysOf([judged], (input) => (input.synthesis.respond.sampling = { temperature: 0.5 })));
    expect([hotter.prompts, hotter.respond]).not.toEqual([before.prompts, before.respond]);
    expect(hotter.prompts).toBe(before.prompts);
    const alone = own(keysOf([judged], (input) => (input.synthesis.judge.judges = ['other'])));
    expect(alone.respond).toEqual(before.respond);
    expect(alone.select).not.toBe(before.select);
  });

  test('do not depend on the other generators, whose answers are not asked for', () => {
    expect(own(keysOf([judged], (input) => (input.synthesis.respond.generators = ['target'])))).toEqual(own(keysOf([judged])));
  });

  test('of a first answer know nothing of judges and of how many samples the method takes', () => {
    const before = own(keysOf([first]));
    expect(before).toMatchObject({ judge: {} });
    expect(before.select).toBeUndefined();
    const changed = own(
      keysOf([first], (input) => {
        input.synthesis.respond.samples = 3;
        input.synthesis.judge.judges = ['other'];
      }),
    );
    expect(changed).toEqual(before);
  });

  test('of a mixture without the method hang on the first row of own answers', () => {
    const keys = keysOf([first, 'new-data-only']);
    const more = keysOf([first, 'new-data-only'], undefined, { replayFiles: { '/set.jsonl': 'other' } });
    expect(more.variants['new-data-only']!.mix).not.toBe(keys.variants['new-data-only']!.mix);
  });
});

describe('the plan of own answers', () => {
  const plan = (rows: readonly Row[], prompts: Record<string, number>) => {
    const given = spec(rows);
    return { spec: given, content: CONTENT, keys: stageKeys(given, CONTENT), shards: methodShards(given), prompts };
  };

  test('has the prompts for instructions, the target for generators, and shards of the same size', () => {
    const answers = ownAnswersPlan(plan(['method', judged], { own: 5 }), 'own');
    expect(answers.shards).toEqual([
      { index: 0, start: 0, end: 3 },
      { index: 1, start: 3, end: 5 },
    ]);
    expect(answers.spec.synthesis).toMatchObject({
      respond: { generators: ['target'], samples: 2 },
      judge: { judges: ['target', 'other'] },
    });
  });

  test('is one for rows that ask the same, and nothing is extracted where no row wants it', () => {
    const again: Row = { name: 'own-half', replay: { ownAnswers: '/set.jsonl' }, newShare: 0.5 };
    const both = plan([first, again], { own: 5, 'own-half': 5 });
    expect([...ownAnswersPlans(both).keys()]).toEqual(['own']);
    expect(both.shards).toEqual([]);
    expect(plan(['method', first], { own: 5 }).shards).toHaveLength(3);
  });

  test('is in the plan of costs: its calls, and none of an extraction that is not made', () => {
    const costs = (rows: readonly Row[]) =>
      planCost(spec(rows)).stages.map(({ stage, model, own: of, calls }) => [stage, model, of, calls]);
    expect(costs([first])).toEqual([['respond', 'target', 'own', 8]]);
    expect(costs([judged])).toEqual([
      ['respond', 'target', 'own', 16],
      ['judge', 'target', 'own', 16],
      ['judge', 'other', 'own', 16],
    ]);
    expect(costs(['method'])).toEqual(costs(['method', first]).slice(0, 5));
  });
});

describe('a spec with own answers', () => {
  test('is refused where it names no set, another pick, or rows to hold out of a set that nothing makes', () => {
    expect(() => spec([{ name: 'own', replay: { ownAnswers: {} } } as unknown as Row])).toThrow(/ownAnswers/);
    expect(() => spec([{ name: 'own', replay: { ownAnswers: '/set.jsonl', pick: 'best' } } as unknown as Row])).toThrow(
      /pick.*first.*judged/s,
    );
    expect(() => spec([first], (input) => (input.mix!.holdOut = { replay: 2 }))).toThrow(/mix\.holdOut\.replay.*row method/s);
  });
});
