import { EXPORT_STAGES, exportStage, type AnyStageExport, type ExportStage } from '../../export/export-rows';
import { noCalls } from '../../services/store/stage-store';
import { shardOutputs } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { writeSampleRun, type SampleRun } from '../support/sample-run';
import { useTempFolder } from '../support/temp-folder';

type Row = Record<string, unknown>;

const folder = useTempFolder();

async function all(stage: AnyStageExport): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const part of stage.parts()) rows.push(...part);
  return rows;
}

async function rowsOf(run: SampleRun, stage: ExportStage): Promise<Row[]> {
  return await all(exportStage(stage, run));
}

describe('exportStage', () => {
  it('gives every stage sorted by id, as LC_ALL=C sort does', async () => {
    const run = await writeSampleRun({ root: folder() });
    // Losses are there only where rows are held out, and are sorted by variant and set first.
    for (const stage of EXPORT_STAGES.filter((name) => name !== 'losses')) {
      const ids = (await rowsOf(run, stage)).map((row) => String(row['id'] ?? row['instructionId']));
      expect(ids.length).toBeGreaterThan(0);
      expect(ids).toEqual([...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }
  });

  it('interleaves the generators of an instruction', async () => {
    const run = await writeSampleRun({ root: folder() });
    const ids = (await rowsOf(run, 'responses')).slice(0, 10).map(({ id }) => String(id));
    const expected = ['balanced', 'careful', 'creative'].flatMap((generator) =>
      [0, 1, 2].map((sample) => `i0000000:${generator}:${sample}`),
    );
    expect(ids).toEqual([...expected, 'i0000001:balanced:0']);
  });

  it('gives the fields of the contract', async () => {
    const run = await writeSampleRun({ root: folder() });
    const fields = async (stage: ExportStage): Promise<string[]> => Object.keys((await rowsOf(run, stage))[0] ?? {});
    expect(await fields('instructions')).toEqual(['id', 'text', 'model', 'finishReason', 'seed', 'attempts', 'usage']);
    expect(await fields('responses')).toEqual([
      'id',
      'instructionId',
      'model',
      'sample',
      'text',
      'finishReason',
      'seed',
      'attempts',
      'usage',
    ]);
    expect(await fields('judgments')).toEqual([
      'id',
      'responseId',
      'instructionId',
      'judge',
      'score',
      'scoredBy',
      'raw',
      'ratingMass',
      'seed',
      'attempts',
      'usage',
      'responseFinishReason',
    ]);
    expect(await fields('replay')).toEqual([
      'instructionId',
      'responseId',
      'instruction',
      'response',
      'model',
      'finishReason',
      'meanScore',
      'scores',
      'messages',
    ]);
    expect(await fields('mixture')).toEqual(['id', 'source', 'messages']);
    expect(await fields('failures')).toEqual(['stage', 'id', 'model', 'reason', 'attempts']);
  });

  it('has a judgment of every judge of every response, and none of a response that is not there', async () => {
    const run = await writeSampleRun({ root: folder() });
    const judgments = await rowsOf(run, 'judgments');
    const counts = new Map<unknown, number>();
    for (const { instructionId } of judgments) counts.set(instructionId, (counts.get(instructionId) ?? 0) + 1);
    const instructions = await rowsOf(run, 'instructions');
    expect([...counts.keys()]).toEqual(instructions.map(({ id }) => id)); // in the same order, too
    expect([...counts].filter(([, count]) => count !== 27)).toEqual([['i0000006', 24]]); // it has lost a response
    const responses = new Set((await rowsOf(run, 'responses')).map(({ id }) => id));
    expect(judgments.filter(({ responseId }) => !responses.has(responseId))).toEqual([]);
    expect((await rowsOf(run, 'replay')).filter(({ responseId }) => !responses.has(responseId))).toEqual([]);
    expect(await rowsOf(run, 'failures')).toContainEqual(
      expect.objectContaining({ stage: 'respond', id: 'i0000006:creative:2', reason: 'empty' }),
    );
    expect(new Set(judgments.map(({ id }) => id)).size).toBe(judgments.length);

    const unscored = judgments.filter(({ score }) => score === null);
    expect(unscored).toHaveLength(1);
    for (const { reason } of unscored) expect(reason).toEqual(expect.stringMatching(/\w/));
  });

  it('lets a reader recompute the replay set from the judgments alone', async () => {
    const run = await writeSampleRun({ root: folder() });
    const byResponse = new Map<string, { instructionId: string; cut: boolean; scores: (number | null)[] }>();
    const byInstruction = new Map<string, number>();
    for (const { responseId, instructionId, score, responseFinishReason } of await rowsOf(run, 'judgments')) {
      const entry = byResponse.get(String(responseId)) ?? {
        instructionId: String(instructionId),
        cut: responseFinishReason === 'length',
        scores: [],
      };
      entry.scores.push(score as number | null);
      byInstruction.set(entry.instructionId, (byInstruction.get(entry.instructionId) ?? 0) + 1);
      byResponse.set(String(responseId), entry);
    }
    const complete = new Map<string, { id: string; cut: boolean; mean: number }[]>();
    const dropped = new Set<string>();
    for (const [id, { instructionId, cut, scores }] of byResponse) {
      if (scores.some((score) => score === null)) dropped.add(instructionId);
      if (byInstruction.get(instructionId) !== 27) dropped.add(instructionId); // a response was lost
      const mean = (scores as number[]).reduce((sum, score) => sum + score, 0) / scores.length;
      complete.set(instructionId, [...(complete.get(instructionId) ?? []), { id, cut, mean }]);
    }
    const winners = [...complete]
      .filter(([id]) => !dropped.has(id))
      .map(([, means]) => {
        const whole = means.filter(({ cut }) => !cut);
        return (whole.length > 0 ? whole : means).reduce((best, each) => (each.mean > best.mean ? each : best));
      });
    expect([...complete.values()].flat().some(({ cut }) => cut)).toBe(true);
    const replay = await rowsOf(run, 'replay');
    expect(replay.map(({ responseId }) => responseId)).toEqual(winners.map(({ id }) => id));
    for (const [index, row] of replay.entries()) expect(row['meanScore']).toBeCloseTo(winners[index]?.mean ?? Number.NaN, 12);
  });

  it('merges the failures of all stages, and loses none', async () => {
    const run = await writeSampleRun({ root: folder() });
    const failures = await rowsOf(run, 'failures');
    const stored = await Promise.all(
      run.plan.shards
        .flatMap((shard) => shardOutputs(run.plan, shard))
        .map(async ({ address }) => (await run.stages.latestManifest(address))?.failures.rows ?? 0),
    );
    expect(failures).toHaveLength(stored.reduce((sum, count) => sum + count, 0));
    expect(new Set(failures.map(({ stage }) => stage))).toEqual(new Set(['extract', 'respond', 'judge', 'select']));
  });

  it('gives what an unfinished run has, and says what is missing', async () => {
    const run = await writeSampleRun({ root: folder(), until: 'first shard' });
    const judgments = exportStage('judgments', run);
    const rows = await all(judgments);
    expect(new Set(rows.map(({ instructionId }) => String(instructionId) < 'i0000008'))).toEqual(new Set([true]));
    expect(judgments.coverage).toEqual({
      planned: 24,
      missing: new Map([
        ['respond', 3],
        ['judge', 9],
      ]),
      outdated: 0,
    });

    const mixture = exportStage('mixture', run);
    expect(await all(mixture)).toEqual([]);
    expect(mixture.coverage.missing).toEqual(new Map([['mix', 1]]));
  });

  it('tells of outputs whose inputs have changed since', async () => {
    const run = await writeSampleRun({ root: folder() });
    const [shard] = run.plan.shards;
    const output = extractStage.at(run.plan, shard!);
    await run.store.remove(run.stages.folder(output.address));
    await run.stages.commit(output, { rows: [], failures: [], stats: noCalls('2026-11-03T09:00:00Z'), inputs: [] });
    const responses = exportStage('responses', run);
    expect((await all(responses)).length).toBeGreaterThan(0);
    expect(responses.coverage).toMatchObject({ planned: 6, outdated: 3 });
  });

  it('refuses a damaged file instead of leaving its rows out', async () => {
    const run = await writeSampleRun({ root: folder() });
    const { address } = extractStage.at(run.plan, run.plan.shards[1]!);
    const manifest = await run.stages.latestManifest(address);
    await run.store.write(`${run.stages.folder(address)}/${manifest!.rows.file}`, 'not what was written');
    await expect(rowsOf(run, 'instructions')).rejects.toThrow(/is damaged: its checksum does not match/);
  });
});
