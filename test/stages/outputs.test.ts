import fc from 'fast-check';
import { stageKeys } from '../../stages/chain';
import { evaluateStage } from '../../stages/evaluate';
import { extractStage } from '../../stages/extract';
import { judgeStage } from '../../stages/judge';
import { mixStage } from '../../stages/mix';
import { partition, partName } from '../../stages/planned';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { trainStage } from '../../stages/train';
import { smallSpec } from '../support/small-spec';

test('shards cover every instruction once, in order, none above the size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100 }), (count, size) => {
      const shards = partition(count, size);
      expect(shards.map(({ index }) => index)).toEqual([...shards.keys()]);
      expect(shards[0]?.start).toBe(0);
      expect(shards.at(-1)?.end).toBe(count);
      expect(shards.slice(1).map(({ start }) => start)).toEqual(shards.slice(0, -1).map(({ end }) => end));
      const sizes = shards.map(({ start, end }) => end - start);
      expect(sizes.slice(0, -1).every((each) => each === size)).toBe(true);
      expect(sizes.at(-1)).toBeGreaterThan(0);
      expect(sizes.at(-1)).toBeLessThanOrEqual(size);
    }),
  );
});

test('a part is named after its first and last instruction', () => {
  expect(partName({ index: 1, start: 500, end: 1_000 })).toBe('i0000500-i0000999');
});

test('more instructions keep the names of the shards that were full', () => {
  const names = (count: number): string[] => partition(count, 500).map(partName);
  expect(names(2_000)).toEqual(expect.arrayContaining(names(1_500)));
});

describe('the outputs of a plan', () => {
  const spec = smallSpec('http://127.0.0.1:9/v1');
  const content = { newData: 'n', weights: 'w', evaluation: [], replayFiles: {} };
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(8, 3) };
  const shard = plan.shards[2]!;

  test('hold the stage, its key and the part', () => {
    expect(extractStage.at(plan, shard).address).toEqual({ stage: 'extract', key: plan.keys.extract, part: 'i0000006-i0000007' });
    expect(respondStage.at(plan, shard, 'other').address).toEqual({
      stage: 'respond',
      key: plan.keys.respond['other'],
      part: 'i0000006-i0000007',
    });
    expect(judgeStage.at(plan, shard, 'target', 'other').address).toEqual({
      stage: 'judge',
      key: plan.keys.judge['target']?.['other'],
      part: 'i0000006-i0000007',
    });
    expect(selectStage.at(plan, shard).address).toEqual({ stage: 'select', key: plan.keys.select, part: 'i0000006-i0000007' });
    expect(mixStage.at(plan, 'method').address).toEqual({ stage: 'mix', key: plan.keys.variants['method']!.mix!, part: 'all' });
    expect(trainStage.at(plan, 'method').address).toEqual({ stage: 'train', key: plan.keys.variants['method']!.train!, part: 'all' });
    expect(evaluateStage.at(plan, 'official').address).toEqual({
      stage: 'evaluate',
      key: plan.keys.variants['official']!.evaluate,
      part: 'all',
    });
  });

  test('of a judge and a generator are told apart from those the other way round', () => {
    expect(judgeStage.at(plan, shard, 'target', 'other')).not.toEqual(judgeStage.at(plan, shard, 'other', 'target'));
  });

  test('of a model that the plan does not have are refused by its name', () => {
    expect(() => respondStage.at(plan, shard, 'nobody')).toThrow('the plan has no stage for "nobody"');
    expect(() => judgeStage.at(plan, shard, 'nobody', 'other')).toThrow('the plan has no stage for "nobody/other"');
    expect(() => judgeStage.at(plan, shard, 'other', 'nobody')).toThrow('the plan has no stage for "other/nobody"');
  });
});
