import { cp, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ContenderFigures } from './contender-run';
import { judgingSpec, LOAD } from './judge-load';
import { measureSynthesis } from './measured-synthesis';
import { Stack } from './stack';

const RUN_ID = 'judge';
const TWO_WORKERS_FROM = 500;

/**
 * Rehearse, run like another tool: judges a load through a Temporal server and the shipped workers, and ends. All its
 * processes are of one group. A second start on the same folder goes on.
 */
async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { url: text, load: text, prompts: text, 'in-flight': text, out: text } });
  const { url, load: folder, prompts, 'in-flight': inFlight, out } = values;
  if (url === undefined || folder === undefined || prompts === undefined || inFlight === undefined || out === undefined) {
    throw new Error('usage: rehearse-driver.js --url ORIGIN --load FOLDER --prompts N --in-flight N --out FOLDER');
  }
  const home = join(out, 'home');
  const ready = join(out, 'ready');
  if (!(await isThere(ready))) {
    await mkdir(out, { recursive: true });
    await cp(join(folder, LOAD.home), home, { recursive: true });
    await writeFile(ready, '');
  }
  const llmWorkers = Number(inFlight) < TWO_WORKERS_FROM ? 1 : 2;
  const stack = await Stack.start({ folder: out, llmWorkers, latencyMs: 0, endpointURL: url, sameGroup: true });
  try {
    const spec = await judgingSpec({ folder, prompts: Number(prompts) }, url, Math.ceil(Number(inFlight) / llmWorkers));
    const { cpuSeconds, peakRssBytes } = await measureSynthesis(stack, RUN_ID, spec);
    const figures: ContenderFigures = { cpuSeconds: cpuSeconds.workers + cpuSeconds.server, peakRssBytes };
    console.log(JSON.stringify(figures));
  } finally {
    await stack.stop();
  }
}

async function isThere(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
