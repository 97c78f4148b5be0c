import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dataDir } from '../services/local/paths';
import { consoleReporter } from '../services/local/setup-reporter';
import { contenders } from './contenders';
import type { Contender } from './contender-run';
import { prepareJudgeLoad } from './judge-load';
import { writeReadmeSection } from './markdown-section';
import { peerTables } from './peer-figures';
import { PeerResults, type PeerResult, type PeerTask } from './peer-results';
import { measureTask } from './peer-task';

const USAGE = `usage: node dist/bench/peers.js [options]

The same judge prompts through Rehearse, a bare undici loop, datatrove, Curator, DataDesigner and distilabel, one after the
other, to the same endpoint; and each of them killed in the middle and started again. Puts the tables into bench/README.md.
Each result is kept as it comes: broken off, the same command goes on where it was. A client that fails or hangs has a row
that says so.

  --in-flight N,…   calls in flight (default 50,200,1000)
  --kill N,…        calls in flight at which each is killed too (default 50; none: no kills)
  --prompts N       (default 2000)
  --rounds N        (default 1)
  --clients A,…     only those whose names begin so, such as Rehearse,distilabel
  --again           measure anew what is chosen
  --timeout-s N     longest time of one start (default 120)
  --latency-ms N    time before each reply (default 50)
  --prepare         make the prompts and the Python environments (1.5 GB in the cache folder), and measure nothing
  --work DIR        where runs and figures lie (default: bench/ in the data folder)
  --no-table        leave bench/README.md as it is`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      'in-flight': { ...text, default: '50,200,1000' }, kill: { ...text, default: '50' }, prompts: { ...text, default: '2000' }, rounds: { ...text, default: '1' },
      clients: { ...text, default: '' }, 'timeout-s': { ...text, default: '120' }, 'latency-ms': { ...text, default: '50' }, work: text,
      again: flag, prepare: flag, 'no-table': flag, help: flag,
    },
  });
  const inFlights = numbers(values['in-flight']);
  const kills = values.kill === 'none' ? [] : numbers(values.kill);
  const [prompts, rounds, timeoutS, latencyMs] = [values.prompts, values.rounds, values['timeout-s'], values['latency-ms']].map(Number) as [number, number, number, number];
  if (values.help || ![...inFlights, ...kills, prompts, rounds, timeoutS, latencyMs + 1].every((value) => Number.isInteger(value) && value > 0)) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const work = join(resolve(values.work ?? join(dataDir(), 'bench')), 'peers');
  await mkdir(work, { recursive: true });
  const load = await prepareJudgeLoad(join(work, 'load'), prompts);
  const beginnings = values.clients.split(',');
  const chosen = contenders(load, consoleReporter()).filter(({ name }) => beginnings.some((beginning) => name.startsWith(beginning)));
  const notInstalled = await install(chosen);
  if (values.prepare) return;

  const settings = { prompts: load.prompts, latencyMs, timeoutMs: timeoutS * 1000, cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}` };
  const results = await PeerResults.open(join(work, 'peers.json'), settings, today());
  const tasks = tasksOf({ chosen, inFlights, kills, rounds });
  if (values.again) await results.drop(tasks);
  for (const task of tasks.filter((each) => !results.has(each))) {
    const failed = notInstalled.get(task.client);
    const result = failed === undefined ? await measureTask(task, { contender: chosen.find(({ name }) => name === task.client)!, work, ...settings }) : { ...task, failed };
    await results.add(result, today());
    console.log(inWords(result));
  }
  const tables = peerTables(results.all);
  console.log(`\n${tables}`);
  if (!values['no-table']) await writeReadmeSection('peers', tables);
}

/** In an order in which no client has a round to itself. */
function tasksOf({ chosen, inFlights, kills, rounds }: {
  readonly chosen: readonly Contender[];
  readonly inFlights: readonly number[];
  readonly kills: readonly number[];
  readonly rounds: number;
}): PeerTask[] {
  const tasks: PeerTask[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const inFlight of inFlights) for (const { name } of chosen) tasks.push({ client: name, inFlight, what: 'run', round });
  }
  for (const inFlight of kills) for (const { name, resumes } of chosen) if (resumes) tasks.push({ client: name, inFlight, what: 'kill', round: 1 });
  return tasks;
}

/** @returns why some cannot be measured, by name */
async function install(chosen: readonly Contender[]): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (const contender of chosen) {
    const { name } = contender;
    try {
      await contender.install();
    } catch (error) {
      failed.set(name, `could not be installed: ${(error as Error).message}`);
      console.error(`${name} ${failed.get(name)}`);
    }
  }
  return failed;
}

function inWords({ client, inFlight, what, figures, kill, failed }: PeerResult): string {
  const outcome =
    figures !== undefined
      ? `${figures.perSecond.toFixed(0)}/s, ${figures.cpuSeconds.toFixed(2)} CPU s per 1,000, ${figures.wallSeconds.toFixed(1)} s`
      : kill !== undefined
        ? `killed after ${kill.answered}, ${kill.repaid} paid again; second start: ${kill.failed ?? `${kill.resumeSeconds?.toFixed(1)} s`}`
        : failed;
  return `${new Date().toISOString().slice(11, 19)} ${inFlight} in flight, ${client}${what === 'kill' ? ', killed' : ''}: ${outcome}`;
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
