import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QualityTally } from '../../../report/gather/quality-report';
import { gatherReport } from '../../../report/gather/report-data';
import { writeReportFiles } from '../../../report/write-report';
import { noCalls } from '../../../services/store/stage-store';
import { extractStage } from '../../../stages/extract';
import { filterStage, type FilterRow } from '../../../stages/filter';
import { writeSampleRun, type SampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const now = new Date('2026-11-03T10:00:00Z');
const MATCH = { task: 'gpqa', documentId: 'rec1', ngram: 'a star that radiates as a black body shrinks to half its radius' };

/** The sample run as far as its extraction, with filters that drop two instructions of each shard. */
async function filteredRun(): Promise<SampleRun> {
  const run = await writeSampleRun({
    root: temp(),
    until: 'extract',
    spec: (spec) => ({ ...spec, synthesis: { ...spec.synthesis, quality: { decontaminate: {}, duplicates: {} } } }),
  });
  const { stages, plan } = run;
  for (const shard of plan.shards) {
    const extracted = await stages.find(extractStage.at(plan, shard));
    const rows = (await stages.readRows(extracted!)).map(({ id }, index): FilterRow => {
      const row = { instructionId: id, fingerprint: '0' };
      if (index === 0) return { ...row, kept: false, reason: 'contaminated', detail: 'gpqa rec1', matches: [MATCH] };
      return index === 1
        ? { ...row, kept: false, reason: 'duplicate', detail: 'of i0000002' }
        : { ...row, kept: true, reason: null, detail: null };
    });
    await stages.commit(filterStage.at(plan, shard), {
      rows,
      stats: noCalls(now.toISOString()),
      inputs: [extractStage.at(plan, shard)],
      failures: rows.flatMap(({ instructionId, reason, detail }) =>
        reason === null ? [] : [{ stage: 'filter' as const, id: instructionId, model: null, reason: `${reason}: ${detail}`, attempts: 0 }],
      ),
    });
  }
  return run;
}

test('what the filters dropped is counted by reason, and every extracted instruction is accounted for', async () => {
  const { synthesis, losses } = await gatherReport({ ...(await filteredRun()), now });
  const { instructions, responses, quality } = synthesis;
  expect(instructions).toEqual({ asked: 16, extracted: 14, lostAtExtraction: 2, dropped: 4, lostAtSelection: 0, kept: 0, pending: 10 });
  expect(responses).toMatchObject({ asked: 10 * 9, made: 0, pending: 90 });
  expect(quality).toMatchObject({ judged: 14, kept: 10 });
  expect(
    quality?.dropped.map(({ reason, count, examples }) => [reason, count, examples.map(({ instructionId }) => instructionId)]),
  ).toEqual([
    ['contaminated', 2, ['i0000000', 'i0000008']],
    ['duplicate', 2, ['i0000001', 'i0000009']],
  ]);
  expect(losses.filter(({ stage }) => stage === 'filter').map(({ reason, count }) => [reason, count])).toEqual([
    ['contaminated', 2],
    ['duplicate', 2],
  ]);
});

test('the page shows reasons, examples and matches, and the matches lie beside it', async () => {
  const { markdown, html, contamination } = await writeReportFiles({ ...(await filteredRun()), now, folder: join(temp(), 'report') });
  const text = await readFile(markdown, 'utf8');
  expect(text).toContain('## Instruction quality');
  expect(text).toMatch(/\| contaminated \|\s+−2 \|/);
  expect(text).toContain('dropped by a filter: duplicate');
  expect(text).toContain(MATCH.ngram);
  expect(await readFile(html, 'utf8')).toContain('Instruction quality');
  expect(await readFile(contamination!, 'utf8')).toBe(
    `instructionId,task,documentId,ngram\r\ni0000000,gpqa,rec1,${MATCH.ngram}\r\ni0000008,gpqa,rec1,${MATCH.ngram}\r\n`,
  );
});

test('a run without filters says nothing of them', async () => {
  const { markdown, contamination } = await writeReportFiles({
    ...(await writeSampleRun({ root: temp() })),
    now,
    folder: join(temp(), 'report'),
  });
  expect(await readFile(markdown, 'utf8')).not.toContain('Instruction quality');
  expect(contamination).toBeNull();
});

test('few examples of each reason are kept, with the start of their texts', () => {
  const tally = new QualityTally({ refusals: true });
  const instructions = Array.from({ length: 9 }, (_, index) => ({
    id: `i000000${index}`,
    text: 'x'.repeat(500),
    model: 'm',
    finishReason: null,
    seed: 0,
    attempts: 1,
    usage: null,
  }));
  tally.add(
    instructions.map(({ id }) => ({
      instructionId: id,
      kept: false,
      reason: 'refusal',
      detail: 'the words of an assistant',
      fingerprint: '0',
    })),
    instructions,
  );
  const [group] = tally.result().dropped;
  expect(group?.count).toBe(9);
  expect(group?.examples.map(({ text }) => [text.text.length, text.omittedCharacters])).toEqual([
    [300, 200],
    [300, 200],
    [300, 200],
  ]);
});
