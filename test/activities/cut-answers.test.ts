import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instructionId } from '../../method/ids';
import type { Conversation } from '../../method/records';
import { writeConversations } from '../../services/data/conversations';
import { holdOutStage } from '../../stages/hold-out';
import { mixStage } from '../../stages/mix';
import { selectStage } from '../../stages/select';
import { judgedRun, type JudgedRun, replaySet } from '../support/judged-run';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();

async function winners({ deps, plan }: JudgedRun): Promise<string[]> {
  const parts = plan.shards.map(async (shard) => await deps.stages.readRows((await deps.stages.latest(selectStage.at(plan, shard)))!));
  return (await Promise.all(parts)).flat().map(({ responseId: id, finishReason }) => `${id} ${String(finishReason)}`);
}

const indexOf = ({ id }: Pick<Conversation, 'id'>): number => Number(/i(\d{7})/.exec(id)![1]);

test('by default a cut answer is kept only where no whole one is, and is marked in what is trained on and what is held out', async () => {
  const run = await judgedRun({ folder: temp(), truncated: 'last' });
  expect(await winners(run)).toEqual(
    Array.from({ length: 8 }, (_, index) =>
      index % 4 === 0 ? `${instructionId(index)}:target:0 length` : `${instructionId(index)}:target:1 stop`,
    ),
  );

  const mixture = await run.deps.stages.readRows((await run.deps.stages.latest(mixStage.at(run.plan, 'method')))!);
  const heldOut = await run.deps.stages.readRows((await run.deps.stages.latest(holdOutStage.at(run.plan)))!);
  const [replay, own] = (['replay', 'own'] as const).map((name) => heldOut.filter(({ set }) => set === name));
  const trained = mixture.filter(({ source }) => source === 'replay');
  for (const row of [...trained, ...replay!]) expect(row.cut ?? false).toBe(indexOf(row) % 4 === 0);
  expect(own!.map(({ cut }) => cut)).toEqual([true, true]); // the target's first answers are cut, all of them
  expect(run.detail.cut).toBe(trained.filter(({ cut }) => cut).length);
  expect([...trained, ...replay!].some(({ cut }) => cut)).toBe(true);

  const file = await writeConversations(join(temp(), 'mixture.jsonl'), mixture);
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Conversation);
  expect(lines.map(({ cut }) => cut)).toEqual(mixture.map(({ cut }) => cut));
});

test("the ablations mark cut answers too: the first response as it came, the target's best by the same rule", async () => {
  const run = await judgedRun({ folder: temp(), truncated: 'last' });
  expect((await replaySet(run, 'first-response')).map(({ cut }) => cut)).toEqual(new Array(8).fill(true));
  for (const row of await replaySet(run, 'target-best')) expect(row.cut ?? false).toBe(indexOf(row) % 4 === 0);
});

test('where the spec leaves cut answers out, no replay set has one', async () => {
  const run = await judgedRun({ folder: temp(), truncated: 'drop' });
  expect((await winners(run)).map((winner) => winner.split(' ')[1])).toEqual(new Array(6).fill('stop'));
  expect(await replaySet(run, 'first-response')).toEqual([]);
  expect((await replaySet(run, 'target-best')).map(indexOf)).toEqual([1, 2, 3, 5, 6, 7]);
  expect(run.detail.cut).toBe(0);
});

test('where the spec lets scores alone decide, the best score wins though it was cut', async () => {
  expect(await winners(await judgedRun({ folder: temp(), truncated: 'keep' }))).toEqual(
    Array.from({ length: 8 }, (_, index) => `${instructionId(index)}:target:0 length`),
  );
});
