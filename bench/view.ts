import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../services/runs/open-store';
import { exists } from '../services/store/artifact-store';
import { startViewServer } from '../view/server/view-server';
import { Viewer } from '../view/server/viewer';
import { diskUsage } from './disk-usage';
import { markdownTable, writeReadmeSection } from './markdown-section';
import { writeViewStore } from './view-store';

const USAGE = `usage: node dist/bench/view.js [options]

Makes a store like that of the scale benchmark, opens it with the viewer and asks for pages as a browser does; fails when the first page
takes more than a second, a filter more than two, or the process more than 1 GB.

  --instructions N   size (default 100000)
  --work DIR         where the store is made, or lies already from an earlier run (default: a temporary folder)
  --no-table         leave bench/README.md as it is`;

const RUN = 'view';
const MOST = { firstSeconds: 1, filterSeconds: 2, bytes: 1e9 };
/** Each page is asked for so often; the slowest counts. */
const TIMES = 3;

const PAGES: Readonly<Record<string, string>> = {
  'instructions, no filter': '',
  search: '?q=sourdough+loaf+number+77',
  'search that finds nothing': '?q=no+such+words+anywhere',
  'score at least 4.2, best first': '?min=4.2&sort=best',
  'judges at least 4 apart': '?spread=4&sort=spread',
  'generator and an answer cut off': '?generator=llama3-70b-instruct&finish=length',
  'language and length': '?language=en&longer=200&sort=long',
  'topic, worst first, page 20': '?topic=1&sort=worst&page=20',
  'an instruction, with its place in a filtered list': 'i/i0000042?min=3&sort=best',
  judges: 'judges',
  'two judges, page 5': 'judges?a=0&b=2&page=5',
  topics: 'topics',
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      instructions: { type: 'string', default: '100000' },
      work: { type: 'string' },
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const instructions = Number(values.instructions);
  if (values.help || !Number.isInteger(instructions) || instructions < 1) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const temporary = values.work === undefined ? await mkdtemp(join(tmpdir(), 'rehearse-bench-view-')) : undefined;
  const folder = temporary ?? resolve(values.work!);
  try {
    await mkdir(folder, { recursive: true });
    const store = join(folder, 'store');
    const opened = openStore(store, { workFolder: join(folder, 'work') });
    if (!(await exists(join(store, 'done')))) {
      say(`writing ${instructions.toLocaleString('en')} instructions`);
      await rm(store, { recursive: true, force: true });
      await writeViewStore(opened, folder, RUN, instructions);
      await opened.store.write('done', '');
    }
    await measure(folder, store, values['no-table']);
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

async function measure(folder: string, store: string, quiet: boolean): Promise<void> {
  const cache = join(folder, 'views');
  await rm(cache, { recursive: true, force: true });
  say('making the index');
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 20);
  const start = performance.now();
  const making = await open(folder, store, cache);
  await settled(making.get);
  const indexSeconds = seconds(start);
  await making.close();
  const makingBytes = peakBytes;
  peakBytes = 0;
  const again = performance.now();
  const viewer = await open(folder, store, cache);
  await viewer.get('');
  const firstSeconds = seconds(again);
  await settled(viewer.get);
  const rows: [string, number][] = [];
  for (const [name, path] of Object.entries(PAGES)) {
    let slowest = 0;
    for (let time = 0; time < TIMES; time++) {
      const from = performance.now();
      const status = await viewer.get(path).then(({ status: code }) => code);
      slowest = Math.max(slowest, seconds(from));
      if (status !== 200) throw new Error(`${path} was answered with ${status}`);
    }
    rows.push([name, slowest]);
    say(`${slowest.toFixed(2)} s  ${name}`);
  }
  clearInterval(sampler);
  await viewer.close();
  const index = await diskUsage(cache);
  const whole = await diskUsage(store);
  const table = markdownTable(
    ['page', 'slowest of three'],
    [
      ['the first page after the start', `${firstSeconds.toFixed(2)} s`],
      ...rows.map(([name, time]): [string, string] => [name, `${time.toFixed(2)} s`]),
    ],
  );
  const text = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model.trim()}: ${gigabytes(whole.bytes)} of Parquet in ${whole.files.toLocaleString('en')} files; the index
is made in ${Math.round(indexSeconds)} s and takes ${gigabytes(index.bytes)}; peak RSS of the viewer ${gigabytes(peakBytes)} once it is there, ${gigabytes(makingBytes)} while it is made.\n\n${table}`;
  console.log(`\n${text}`);
  if (!quiet) await writeReadmeSection('view', text);
  const slow = rows.filter(([, time]) => time > MOST.filterSeconds).map(([name]) => `${name} took more than ${MOST.filterSeconds} s`);
  if (firstSeconds > MOST.firstSeconds) slow.push(`the first page took more than ${MOST.firstSeconds} s`);
  if (Math.max(peakBytes, makingBytes) > MOST.bytes) slow.push('the viewer took more than 1 GB');
  for (const sentence of slow) console.error(`BROKEN: ${sentence}`);
  if (slow.length > 0) process.exitCode = 1;
}

async function open(folder: string, store: string, cache: string) {
  const onError = (error: unknown): void => console.error(error);
  const viewer = await Viewer.open({
    opened: openStore(store, { workFolder: join(folder, 'work') }),
    cache,
    flagFile: () => join(folder, 'flags.jsonl'),
    runId: RUN,
    now: () => new Date(),
    onError,
  });
  const server = await startViewServer({ port: 0, answer: async (asked) => await viewer.answer(asked), onError });
  return {
    get: async (path: string): Promise<{ status: number; body: string }> => {
      const response = await fetch(`${server.url}${RUN}/${path}`);
      return { status: response.status, body: await response.text() };
    },
    async close(): Promise<void> {
      await server.close();
      await viewer.close();
    },
  };
}

/** Waits until all shards are in the index, and the topics. */
async function settled(get: (path: string) => Promise<{ body: string }>): Promise<void> {
  for (;;) {
    const state = JSON.parse((await get('state')).body) as { parts: number; planned: number; busy: boolean };
    if (state.parts === state.planned && !state.busy) return;
    await new Promise((done) => setTimeout(done, 500));
  }
}

function seconds(from: number): number {
  return (performance.now() - from) / 1000;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
