import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { createFilterActivities } from '../activities/filter';
import { parseSpec } from '../config/load-spec';
import { instructionId } from '../method/ids';
import { createRandom, shuffled, type Random } from '../method/random';
import { contentIdentities } from '../services/runs/content-identities';
import { openStore, type OpenStore } from '../services/runs/open-store';
import { noCalls } from '../services/store/stage-store';
import { detailOf } from '../services/store/stored-output';
import { stageKeys } from '../stages/chain';
import { extractStage } from '../stages/extract';
import { filterStage } from '../stages/filter';
import { partition } from '../stages/planned';
import { type RunPlan } from '../stages/run-plan';
import { instructionText } from './endpoint-texts';

/** One repetition, one near duplicate, one copied question and one foreign text in so many instructions. */
const PLANTED_EVERY = 100;
/** About as many as the four sets have together. */
const DOCUMENTS = 16_000;
const SHARD_SIZE = 500;
const FOREIGN = 'Wie erkläre ich einem Kind in einfachen Worten, warum der Himmel am Abend rot wird?';

/** Measures the filters of the instructions by themselves: time and memory of the activity, and what it finds of what was planted. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { instructions: { type: 'string', default: '100000' } } });
  const count = Number(values.instructions);
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-bench-filter-'));
  try {
    const opened = openStore(join(folder, 'store'));
    const { plan, hash, documents } = await preparePlan(opened, folder, count);
    const planted = await writeInstructions(opened, plan, documents);
    const stopper = new AbortController();
    const idle = {
      endpoints: undefined,
      python: undefined,
      weights: undefined,
      env: {},
      log: pino({ level: 'silent' }),
      draining: stopper.signal,
    };
    const activities = createFilterActivities({ ...opened, ...idle } as unknown as Parameters<typeof createFilterActivities>[0]);
    const environment = new MockActivityEnvironment();
    let peakBytes = 0;
    const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 50);
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    await environment.run(async () => await activities.filterInstructions({ runId: 'bench', plan: hash }));
    const seconds = (performance.now() - start) / 1000;
    clearInterval(sampler);
    const cpu = process.cpuUsage(cpuBefore);
    const dropped: Record<string, number> = {};
    for (const shard of plan.shards) {
      const verdicts = await opened.stages.find(filterStage.at(plan, shard));
      const detail = verdicts === undefined ? undefined : detailOf(verdicts);
      for (const [reason, number] of Object.entries(detail?.dropped ?? {})) dropped[reason] = (dropped[reason] ?? 0) + number;
    }
    console.log(
      JSON.stringify(
        {
          instructions: count,
          documents: DOCUMENTS,
          seconds: Number(seconds.toFixed(1)),
          cpuSeconds: Number(((cpu.user + cpu.system) / 1e6).toFixed(1)),
          peakRssMB: Math.round(peakBytes / 1e6),
          planted,
          dropped,
        },
        null,
        2,
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function preparePlan(
  { plans }: OpenStore,
  folder: string,
  count: number,
): Promise<{ readonly plan: RunPlan; readonly hash: string; readonly documents: readonly string[] }> {
  const random = createRandom(11);
  const documents = Array.from({ length: DOCUMENTS }, () => textOf(random));
  const data = join(folder, 'ifeval.jsonl');
  await writeFile(
    data,
    documents
      .map((prompt, key) => `${JSON.stringify({ key, prompt, instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] })}\n`)
      .join(''),
  );
  const newData = join(folder, 'new.jsonl');
  await writeFile(newData, '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n');
  const model = { baseURL: 'http://127.0.0.1:9/v1', model: 'none', template: 'chatml' };
  const spec = parseSpec({
    version: 1,
    models: { target: model },
    target: { model: 'target', weights: 'org/none', revision: 'none' },
    synthesis: {
      extract: { instructions: count },
      respond: { generators: ['target'] },
      judge: { judges: ['target'] },
      shardSize: SHARD_SIZE,
      quality: { length: { minWords: 2 }, refusals: true, language: ['en'], decontaminate: {}, duplicates: { near: {} } },
    },
    mix: { newData },
    evaluate: { tasks: [{ task: 'ifeval', data: { train: data } }] },
  });
  const content = await contentIdentities(spec, { resolve: async (path) => ({ path, identity: path }) });
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(count, SHARD_SIZE) };
  return { plan, hash: await plans.save(plan), documents };
}

/** Stores the instructions; returns how many of each kind were planted among them. */
async function writeInstructions({ stages }: OpenStore, plan: RunPlan, documents: readonly string[]): Promise<Record<string, number>> {
  const random = createRandom(12);
  const planted = { duplicate: 0, 'near duplicate': 0, contaminated: 0, language: 0 };
  let last = textOf(random);
  for (const shard of plan.shards) {
    const rows = Array.from({ length: shard.end - shard.start }, (_, offset) => {
      const index = shard.start + offset;
      let text: string;
      switch (index === 0 ? -1 : index % PLANTED_EVERY) {
        case 1:
          planted.duplicate++;
          text = last.toUpperCase().replaceAll(' ', '  ');
          break;
        case 2:
          planted['near duplicate']++;
          text = `${last}!`;
          break;
        case 3:
          planted.contaminated++;
          text = `Please help. ${documents[random.below(documents.length)]!}`;
          break;
        case 4:
          planted.language++;
          text = `${FOREIGN} ${index}`;
          break;
        default:
          text = textOf(random);
          last = text;
      }
      return { id: instructionId(index), text, model: 'target', finishReason: 'stop' as const, seed: index, attempts: 1, usage: null };
    });
    await stages.commit(extractStage.at(plan, shard), { rows, failures: [], stats: noCalls(new Date().toISOString()), inputs: [] });
  }
  return planted;
}

/** The endpoint's texts share whole sentences; their words in another order do not. */
function textOf(random: Random): string {
  const text = JSON.parse(`"${instructionText(random).json}"`) as string;
  return shuffled(text.split(/\s+/), random).join(' ');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
