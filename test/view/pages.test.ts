import { rm } from 'node:fs/promises';
import { compareSamples } from '../../method/forgetting';
import type { Judgment } from '../../method/records';
import { evaluateStage } from '../../stages/evaluate';
import { judgmentOutputs } from '../../stages/judge-keys';
import { openViewer, type OpenViewer } from '../support/open-viewer';
import { writeSampleRun, type SampleRun } from '../support/sample-run';

jest.setTimeout(180_000);

let run: SampleRun;
let viewer: OpenViewer;

beforeAll(async () => {
  const spec: NonNullable<Parameters<typeof writeSampleRun>[0]>['spec'] = (input) => ({
    ...input,
    synthesis: { ...input.synthesis, extract: { ...input.synthesis.extract, instructions: 40 }, shardSize: 20 },
  });
  run = await writeSampleRun({ spec });
  await writeSampleRun({
    root: run.root,
    runId: 'other',
    until: 'select',
    responseText: (index, generator, sample) => `Another answer ${index} of ${generator}, ${sample}.`,
    spec(input) {
      const same = spec(input);
      return { ...same, synthesis: { ...same.synthesis, respond: { ...same.synthesis.respond, sampling: { maxTokens: 81 } } } };
    },
  });
  viewer = await openViewer(run.root);
  for (;;) if ((await viewer.get('topics')).body.includes('<circle')) break;
});
afterAll(async () => {
  await viewer.close();
  await rm(run.root, { recursive: true, force: true });
});

async function judgments(): Promise<Judgment[]> {
  const { respond, judge } = run.plan.spec.synthesis;
  const rows: Judgment[] = [];
  for (const shard of run.plan.shards) {
    for (const name of judge.judges) {
      for (const generator of respond.generators) {
        for (const output of judgmentOutputs(run.plan, shard, name, generator)) rows.push(...(await run.stages.inputRows(output)));
      }
    }
  }
  return rows;
}

test('the answers on which judges differ most come first, by all judges and by two', async () => {
  const rows = await judgments();
  const byAnswer = new Map<string, Map<string, number>>();
  for (const { responseId, judge, score } of rows) {
    if (score !== null) byAnswer.set(responseId, (byAnswer.get(responseId) ?? new Map<string, number>()).set(judge, score));
  }
  const widest = (names: readonly string[]): string =>
    Math.max(
      ...[...byAnswer.values()].flatMap((scores) => {
        const given = names.flatMap((name) => scores.get(name) ?? []);
        return given.length < 2 ? [] : [Math.max(...given) - Math.min(...given)];
      }),
    ).toFixed(2);
  expect(/<b>([\d.]+) apart<\/b>/.exec((await viewer.get('judges')).body)?.[1]).toBe(widest(['careful', 'balanced', 'creative']));
  expect(/<b>([\d.]+) apart<\/b>/.exec((await viewer.get('judges?a=0&b=1')).body)?.[1]).toBe(widest(['careful', 'balanced']));
  expect((await viewer.get('judges?a=0&b=99')).status).toBe(200);
  expect((await viewer.get('judges?a=1;DROP&b=1')).status).toBe(200);
});

test('each topic of the map lists its instructions, and together they are all', async () => {
  const { body } = await viewer.get('topics');
  expect(body.match(/<circle/g)).toHaveLength(38);
  const topics = [...body.matchAll(/<td><a href="[^"]*\?topic=(\d+)">.*?<\/td><td class="right">(\d+)<\/td>/gs)];
  expect(topics.length).toBeGreaterThan(1);
  let sum = 0;
  for (const [, topic, count] of topics) {
    const listed = (await viewer.get(`?topic=${topic}`)).body;
    expect(listed).toContain(`<strong>${count}</strong> instruction`);
    sum += Number(count);
  }
  expect(sum).toBe(38);
});

test('documents are forgotten and learned as the report counts them', async () => {
  const [before, after] = await Promise.all(
    ['official', 'method'].map(async (name) => await run.stages.inputRows(evaluateStage.at(run.plan, name))),
  );
  const { body } = await viewer.get('documents?variant=method');
  for (const { task } of run.plan.spec.evaluate.tasks) {
    const compared = compareSamples(
      before!.filter((row) => row.task === task),
      after!.filter((row) => row.task === task),
    );
    if (!compared.comparable) throw new Error(compared.reason);
    const section = body.slice(body.indexOf(`id="${task}"`));
    expect(section.slice(0, 400)).toContain(`<b>${compared.forgotten}</b> forgotten, <b>${compared.learned}</b> learned`);
  }
});

test('two runs stand beside one another, instruction by instruction', async () => {
  expect((await viewer.get('compare')).body).toContain('Choose a run');
  let { body } = await viewer.get('compare?with=other');
  while (!body.includes('<b>38</b> instructions are in both')) ({ body } = await viewer.get('compare?with=other'));
  expect(body).toMatch(/<b>\d+<\/b>\s+have another answer kept/);
  expect(body).toContain('Another answer');
  expect((await viewer.get('compare?with=nowhere')).body).toContain('Choose a run');
  expect(viewer.errors).toEqual([]);
});
