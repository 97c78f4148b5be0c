import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MixtureRow } from '../../method/records';
import { contentIdentities } from '../../services/runs/content-identities';
import { checkSpecFiles } from '../../services/runs/spec-files';
import { detailOf } from '../../services/store/stored-output';
import { stageKeys } from '../../stages/chain';
import { mixStage } from '../../stages/mix';
import { selectStage } from '../../stages/select';
import { judgedRun, type JudgedRun } from '../support/judged-run';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';

jest.setTimeout(300_000);

const temp = useTempFolder();

async function flagFile(lines: readonly object[], name = 'flags.jsonl'): Promise<string> {
  const path = join(temp(), name);
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

async function mixtureOf({ deps, plan }: JudgedRun, variant = 'method') {
  const output = (await deps.stages.find(mixStage.at(plan, variant)))!;
  return { rows: await deps.stages.readRows(output), detail: detailOf(output), failures: await deps.stages.readFailures(output.manifest) };
}

/** What the rows were before they were mixed. */
const ids = (rows: readonly MixtureRow[]): string[] => rows.map(({ id }) => id.split(':').at(-1)!);

test('rows that mix.exclude names are in no mixture, and are told with their reasons', async () => {
  const plain = await judgedRun({ folder: join(temp(), 'plain'), truncated: 'keep', mixesAblations: true });
  const before = await mixtureOf(plain);
  const replay = before.rows.filter(({ source }) => source === 'replay');
  const fresh = before.rows.filter(({ source }) => source === 'new');
  const flagged = ids([replay[0]!, fresh[0]!]);
  const exclude = await flagFile([
    { id: flagged[0], reason: 'an address of somebody', flaggedAt: '2026-11-05T10:00:00Z' },
    { id: fresh[0]!.id }, // as the export of the mixture has it
  ]);
  const run = await judgedRun({ folder: join(temp(), 'flagged'), truncated: 'keep', exclude, mixesAblations: true });
  for (const variant of ['method', 'first-response', 'target-best']) {
    const { rows, detail, failures } = await mixtureOf(run, variant);
    for (const id of flagged) expect(ids(rows)).not.toContain(id);
    expect(rows.length).toBeGreaterThan(0);
    expect(detail.excluded).toBe(2);
    expect(Object.fromEntries(failures.map(({ id, reason, stage }) => [id, `${stage}: ${reason}`]))).toEqual({
      [flagged[0]!]: 'mix: excluded: an address of somebody',
      [flagged[1]!]: 'mix: excluded',
    });
  }
  expect(before.detail.excluded).toBeUndefined();
  expect(before.failures).toEqual([]);
  for (const shard of run.plan.shards) {
    expect(await run.deps.stages.inputRows(selectStage.at(run.plan, shard))).toEqual(
      await plain.deps.stages.inputRows(selectStage.at(plain.plan, shard)),
    );
  }
});

test('which rows are named is part of the mixtures’ keys, why they are is not, and an empty file is as none', async () => {
  const weights = { resolve: async () => await Promise.resolve({ path: temp(), identity: 'w' }) };
  const keysOf = async (lines?: readonly object[]) => {
    const exclude = lines === undefined ? undefined : await flagFile(lines);
    const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
      input.variants = ['method', 'first-response'];
      if (exclude !== undefined) input.mix!.exclude = exclude;
    });
    return stageKeys(spec, await contentIdentities(spec, weights));
  };
  const mixes = ({ variants }: Awaited<ReturnType<typeof keysOf>>) =>
    Object.values(variants).map((keys) => ('mix' in keys ? keys.mix : ''));
  const none = await keysOf();
  const one = await keysOf([{ id: 'i0000001', reason: 'a' }]);
  const two = await keysOf([{ id: 'i0000002' }, { id: 'i0000001' }]);
  expect(await keysOf([])).toEqual(none);
  expect(mixes(one)).not.toEqual(mixes(none));
  expect(await keysOf([{ id: 'i0000001', reason: 'b' }])).toEqual(one);
  expect(mixes(two)).not.toEqual(mixes(one));
  expect(await keysOf([{ id: 'i0000001' }, { id: 'm0000000:replay:i0000002' }, { id: 'i0000001' }])).toEqual(two);
  expect([one.select, one.respond, one.judge]).toEqual([none.select, none.respond, none.judge]);
});

test.each([
  ['{"id": "i0000001", "reason": 5}', 'line 1: reason is 5 where a text belongs'],
  ['{"reason": "why"}', 'line 1: id is missing where an instruction\'s id such as "i0000042"'],
  ['{"id": "i0000001"}\n{"id": "i0000001:target:0"}', 'line 2: id is "i0000001:target:0" where'],
  ['{"id": "i9999999"}', 'line 1: id is "i9999999" where one of the spec\'s'],
  ['[]', 'line 1: the line is [] where'],
  ['i0000001', 'line 1'],
])('a line that names no row is refused before anything is paid: %j', async (text, sentence) => {
  const exclude = join(temp(), 'bad.jsonl');
  await writeFile(exclude, `${text}\n`);
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.mix!.exclude = exclude;
  });
  const { errors } = await checkSpecFiles(spec, {});
  expect(errors.filter((error) => error.startsWith('mix.exclude'))).toEqual([expect.stringContaining(sentence)]);
});

test('a file that is not there is said so', async () => {
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.mix!.exclude = join(temp(), 'nowhere.jsonl');
  });
  const { errors } = await checkSpecFiles(spec, {});
  expect(errors.join(' ')).toMatch(/mix\.exclude: got .*nowhere\.jsonl.*expected a JSONL file that can be read/);
});
