import { judgesSoFar } from '../../../cli/runs/judges-so-far';
import type { Failure, Judgment } from '../../../method/records';
import { CANNOT_WIN } from '../../../method/skipped';
import { contentIdentities } from '../../../services/runs/content-identities';
import { openStore } from '../../../services/runs/open-store';
import { noCalls } from '../../../services/store/stage-store';
import { stageKeys } from '../../../stages/chain';
import { judgeStage } from '../../../stages/judge';
import { partition } from '../../../stages/planned';
import type { RunPlan } from '../../../stages/run-plan';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();

test('status names a judge that often gave no score; responses that it was not shown do not count', async () => {
  const { stages } = openStore(temp());
  const spec = smallSpec('http://127.0.0.1:9/v1', (draft) => {
    draft.synthesis.extract.instructions = 40;
    draft.synthesis.shardSize = 20;
    draft.synthesis.judge = { ...draft.synthesis.judge, skip: 'cannot-win', order: ['target', 'other'] };
  });
  const content = await contentIdentities(spec, { resolve: async (weights) => ({ path: weights, identity: weights }) });
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(40, 20) };
  const judgment = (judge: string, index: number, score: number | null, reason?: string): Judgment => {
    const id = `i${index}`;
    const why = reason === undefined ? {} : { reason };
    return { id, responseId: id, instructionId: id, judge, score, scoredBy: 'text', raw: '', ...why, seed: 1, attempts: 1, usage: null };
  };
  expect(await judgesSoFar(stages, plan)).toEqual([]);
  for (const [judge, lost] of [
    ['target', 1],
    ['other', 9],
  ] as const) {
    const rows = Array.from({ length: 40 }, (_, index) =>
      index < lost
        ? judgment(judge, index, null, 'refused: 400')
        : index < 20
          ? judgment(judge, index, 4)
          : judgment(judge, index, null, CANNOT_WIN),
    );
    const failures = rows
      .slice(0, lost)
      .map(({ id }): Failure => ({ stage: 'judge', id, model: judge, reason: 'refused: 400', attempts: 1 }));
    const at = judgeStage.at(plan, plan.shards[0]!, judge, 'target');
    await stages.commit(at, { rows, failures, stats: noCalls('2026-11-03T09:00:00Z'), inputs: [] });
  }
  expect(await judgesSoFar(stages, plan)).toEqual([
    expect.stringMatching(
      /^the judge other gave no score for 9 of the 20 responses that it was shown \(45 %\), 9 times because of "refused"/,
    ),
  ]);
});
