import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dataDir } from '../services/local/paths';
import { writeReadmeSection } from './markdown-section';
import { speedTable, type MeasuredSetting } from './speed-figures';
import { runRound, type SpeedSetting } from './speed-run';

const USAGE = `usage: node dist/bench/speed.js [options]

Requests a second through Rehearse (Temporal server, shipped workers, every reply journalled and stored) and through a bare
undici loop that sends the same requests to the same endpoint, in turns. Puts one table of all settings that were measured
into bench/README.md; each setting can be measured by itself.

  --in-flight N,…      calls in flight (default 50,200,1000)
  --instructions N,…   of each round, 31 requests each (default: about forty seconds' worth)
  --llm-workers N,…    processes that call the endpoint (default 1 below 100 in flight, else 2)
  --rounds N           rounds of each setting (default 3)
  --latency-ms N       time before each reply (default 50)
  --add                to the rounds that were measured before, instead of in their place
  --work DIR           where runs and figures lie (default: bench/ in the data folder)
  --no-table           leave bench/README.md as it is`;

const REQUESTS_PER_INSTRUCTION = 31;
const SECONDS = 40;
/** What two cores can be expected to do, for the size of a round. */
const MOST_PER_SECOND = 4_500;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      'in-flight': { ...text, default: '50,200,1000' },
      instructions: text,
      'llm-workers': text,
      rounds: { ...text, default: '3' },
      'latency-ms': { ...text, default: '50' },
      work: text,
      add: { type: 'boolean', default: false },
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const inFlights = numbers(values['in-flight']);
  const [rounds = 0] = numbers(values.rounds);
  const [latencyMs = 0] = numbers(values['latency-ms']);
  const settings = inFlights.map((inFlight, index): SpeedSetting => {
    const perSecond = Math.min(MOST_PER_SECOND, (inFlight / Math.max(1, latencyMs)) * 1000);
    return {
      inFlight,
      latencyMs,
      instructions: numbers(values.instructions)[index] ?? Math.ceil((perSecond * SECONDS) / REQUESTS_PER_INSTRUCTION),
      llmWorkers: numbers(values['llm-workers'])[index] ?? (inFlight < 100 ? 1 : 2),
    };
  });
  if (
    values.help ||
    rounds < 1 ||
    settings.some((setting) => Object.values(setting).some((value) => !Number.isInteger(value) || value < 0))
  ) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const work = resolve(values.work ?? join(dataDir(), 'bench'));
  await mkdir(work, { recursive: true });
  const file = join(work, 'speed.json');
  const measured = await readMeasured(file);
  for (const setting of settings) {
    const earlier = values.add ? (measured.get(setting.inFlight)?.rounds ?? []) : [];
    const done: MeasuredSetting = {
      setting,
      rounds: [...earlier],
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`,
    };
    for (let round = 1; round <= rounds; round++) {
      const figures = await runRound(join(work, 'speed'), setting);
      done.rounds.push(figures);
      const { bare, rehearse } = figures;
      console.log(
        `${setting.inFlight} in flight, round ${round}: bare ${bare.perSecond.toFixed(0)}/s, Rehearse ${rehearse.perSecond.toFixed(0)}/s (${(rehearse.perSecond / bare.perSecond).toFixed(2)}), ${rehearse.cpuSeconds.toFixed(2)} CPU s per 1,000`,
      );
    }
    measured.set(setting.inFlight, done);
    await writeFile(file, JSON.stringify([...measured.values()], null, 2));
  }
  const table = speedTable([...measured.values()]);
  console.log(`\n${table}`);
  if (!values['no-table']) await writeReadmeSection('speed', table);
}

function numbers(list: string | undefined): number[] {
  return list === undefined ? [] : list.split(',').map(Number);
}

async function readMeasured(file: string): Promise<Map<number, MeasuredSetting>> {
  try {
    const list = JSON.parse(await readFile(file, 'utf8')) as MeasuredSetting[];
    return new Map(list.map((each) => [each.setting.inFlight, each]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new Error(`${file} cannot be read; remove it and measure anew`, { cause: error });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
