import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dataDir } from '../services/local/paths';
import { consoleReporter } from '../services/local/setup-reporter';
import type { Contender } from './contender-run';
import { contenders } from './contenders';
import { prepareJudgeLoad, type JudgeLoad } from './judge-load';
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
  --prompts N,…     of each (default 2000 below 100 in flight, else 10000: shorter runs would measure the start)
  --rounds N        (default 1)
  --clients A,…     only those whose names begin so, such as Rehearse,distilabel
  --again           measure anew what is chosen
  --timeout-s N     longest time of one start (default 180)
  --latency-ms N    time before each reply (default 50)
  --prepare         make the prompts and the Python environments (1.5 GB in the cache folder), and measure nothing
  --work DIR        where runs and figures lie (default: bench/ in the data folder)
  --no-table        leave bench/README.md as it is`;

const MANY_IN_FLIGHT = 100;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      'in-flight': { ...text, default: '50,200,1000' },
      kill: { ...text, default: '50' },
      prompts: text,
      rounds: { ...text, default: '1' },
      clients: { ...text, default: '' },
      'timeout-s': { ...text, default: '180' },
      'latency-ms': { ...text, default: '50' },
      work: text,
      again: flag,
      prepare: flag,
      'no-table': flag,
      help: flag,
    },
  });
  const inFlights = numbers(values['in-flight']);
  const kills = values.kill === 'none' ? [] : numbers(values.kill);
  const prompts = values.prompts === undefined ? [] : numbers(values.prompts);
  const [rounds, timeoutS, latencyMs] = [values.rounds, values['timeout-s'], values['latency-ms']].map(Number) as [number, number, number];
  if (
    values.help ||
    ![...inFlights, ...kills, ...prompts, rounds, timeoutS, latencyMs + 1].every((value) => Number.isInteger(value) && value > 0)
  ) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const work = join(resolve(values.work ?? join(dataDir(), 'bench')), 'peers');
  await mkdir(work, { recursive: true });
  const settingOf = (inFlight: number, index: number): Setting => ({
    inFlight,
    prompts: prompts[index] ?? prompts.at(-1) ?? (inFlight < MANY_IN_FLIGHT ? 2_000 : 10_000),
  });
  const settings = inFlights.map(settingOf);
  const killed = kills.map((inFlight) => settings.find((setting) => setting.inFlight === inFlight) ?? settingOf(inFlight, 0));
  const loads = new Map<number, JudgeLoad>();
  for (const count of new Set([...settings, ...killed].map((setting) => setting.prompts))) {
    loads.set(count, await prepareJudgeLoad(join(work, `load-${count}`), count));
  }
  const beginnings = values.clients.split(',');
  const chosen = contenders(consoleReporter()).filter(({ name }) => beginnings.some((beginning) => name.startsWith(beginning)));
  const notInstalled = await install(chosen);
  if (values.prepare) return;

  const conditions = { latencyMs, timeoutMs: timeoutS * 1000, cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}` };
  const results = await PeerResults.open(join(work, 'peers.json'), conditions, today());
  const tasks = tasksOf({ chosen, settings, killed, rounds });
  if (values.again) await results.drop(tasks);
  for (const task of tasks.filter((each) => !results.has(each))) {
    const failed = notInstalled.get(task.client);
    const result =
      failed === undefined
        ? await measureTask(task, {
            contender: chosen.find(({ name }) => name === task.client)!,
            load: loads.get(task.prompts)!,
            work,
            ...conditions,
          })
        : { ...task, failed };
    await results.add(result, today());
    console.log(inWords(result));
  }
  const tables = peerTables(results.all);
  console.log(`\n${tables}`);
  if (!values['no-table']) await writeReadmeSection('peers', tables);
}

type Setting = Pick<PeerTask, 'inFlight' | 'prompts'>;

/** In an order in which no client has a round to itself. */
function tasksOf({
  chosen,
  settings,
  killed,
  rounds,
}: {
  readonly chosen: readonly Contender[];
  readonly settings: readonly Setting[];
  readonly killed: readonly Setting[];
  readonly rounds: number;
}): PeerTask[] {
  const tasks: PeerTask[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const setting of settings) for (const { name } of chosen) tasks.push({ client: name, ...setting, what: 'run', round });
  }
  for (const setting of killed) {
    for (const { name, resumes } of chosen) if (resumes) tasks.push({ client: name, ...setting, what: 'kill', round: 1 });
  }
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
