import { join } from 'node:path';
import { checkEarlyJudging } from '../../bench/check-early-judging';
import type { RunSpec } from '../../config/spec';
import { judgedRun } from '../support/judged-run';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();

test('a store that was judged in full tells what early judging would have asked for, and that the same answers win; another rule is found out', async () => {
  const { plan } = await judgedRun({ folder: temp(), truncated: 'keep' });
  const store = join(temp(), 'store-keep-drop');
  // The first judge gave 5, 4, 3 and 2: once the second one has given the best its 5, no other can reach it.
  expect(await checkEarlyJudging(store, plan.spec)).toEqual([
    { asking: 'generators', shown: 0.5, differ: 0 },
    { asking: 'prospects', shown: 0.25, differ: 0 },
  ]);
  const { select, ...synthesis } = plan.spec.synthesis;
  const other: RunSpec = { ...plan.spec, synthesis: { ...synthesis, select: { ...select, truncated: 'last' } } };
  expect((await checkEarlyJudging(store, other)).every(({ differ }) => differ > 0)).toBe(true);
});
