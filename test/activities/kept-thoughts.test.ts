import type { Conversation } from '../../method/records';
import { mixStage } from '../../stages/mix';
import { judgedRun, type JudgedRun, replaySet, thoughtOf } from '../support/judged-run';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();

const indexOf = ({ id }: Pick<Conversation, 'id'>): number => Number(/i(\d{7})/.exec(id)![1]);
const thoughts = (rows: readonly Conversation[]): (string | undefined)[] => rows.map(({ messages }) => messages.at(-1)!.reasoning_content);

/** The method's rows in its mixture. */
async function replayed({ deps, plan }: JudgedRun): Promise<Conversation[]> {
  const mixture = await deps.stages.readRows((await deps.stages.latest(mixStage.at(plan, 'method')))!);
  return mixture.filter(({ source }) => source === 'replay');
}

test('where thoughts are kept, each row has what its own answer was thought from, and one without stays without', async () => {
  const run = await judgedRun({ folder: temp(), truncated: 'keep', thoughts: 'keep' });
  const rows = await replayed(run);
  expect(rows.length).toBeGreaterThan(4);
  expect(thoughts(rows)).toEqual(rows.map((row) => thoughtOf(indexOf(row), 'target', 0))); // the target's first has the best scores
  for (const variant of ['first-response', 'target-best']) {
    const set = await replaySet(run, variant);
    expect(thoughts(set)).toEqual(set.map((row) => thoughtOf(indexOf(row), 'target', 0)));
  }
});

test('a winner that is not the first has its own thoughts', async () => {
  const run = await judgedRun({ folder: temp(), truncated: 'last', thoughts: 'keep' });
  const whole = (await replayed(run)).filter(({ cut = false }) => !cut);
  expect(thoughts(whole)).toEqual(whole.map((row) => thoughtOf(indexOf(row), 'target', 1)));
});

test.each([undefined, 'drop'] as const)('with train.thoughts: %s no row has any, and its mixture another key', async (setting) => {
  const run = await judgedRun({ folder: temp(), truncated: 'keep', ...(setting === undefined ? {} : { thoughts: setting }) });
  for (const rows of [await replayed(run), await replaySet(run, 'first-response'), await replaySet(run, 'target-best')]) {
    expect(new Set(thoughts(rows))).toEqual(new Set([undefined]));
  }
  const kept = await judgedRun({ folder: temp(), truncated: 'keep', thoughts: 'keep' });
  for (const name of ['method', 'first-response', 'target-best']) {
    expect(kept.plan.keys.variants[name]!.mix).not.toBe(run.plan.keys.variants[name]!.mix);
  }
});
