import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskUsage, sizeOf } from './disk-usage';
import type { Stack } from './stack';

/** One look at a run that is at work. */
interface Sample {
  /** Which start of the benchmark, since a killed one goes on. */
  readonly session: number;
  /** Seconds since that start. */
  readonly second: number;
  readonly requests: number;
  readonly repeated: number;
  readonly rss: Readonly<Record<string, number>>;
  readonly peakRss: Readonly<Record<string, number>>;
  readonly cpuSeconds: Readonly<Record<string, number>>;
  readonly journalBytes: number;
  readonly databaseBytes: number;
}

/** Memory of one process over a run. */
export interface MemoryFigures {
  readonly peakBytes: number;
  /** Mean over the first and the last third of the run: equal when memory is flat. */
  readonly firstThirdBytes: number;
  readonly lastThirdBytes: number;
  readonly cpuSeconds: number;
}

export interface SampledFigures {
  readonly seconds: number;
  readonly requests: number;
  readonly repeated: number;
  readonly journalPeakBytes: number;
  readonly databasePeakBytes: number;
  readonly memory: Readonly<Record<string, MemoryFigures>>;
  /** Starts of the benchmark that it took. */
  readonly sessions: number;
}

const FILE = 'samples.jsonl';
const INTERVAL_MS = 2_000;
/** Walking a store of thousands of folders costs time that the run needs. */
const DISK_EVERY = 8;

/** Looks at a run every two seconds and writes down what it sees, so that a resumed benchmark has the whole of it. */
export class Sampler {
  private readonly startMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private looks = 0;
  private failed: unknown;
  private journalBytes = 0;
  /** The latest sample of this session. */
  latest: Sample | undefined;

  private constructor(
    private readonly stack: Stack,
    private readonly folder: string,
    private readonly session: number,
  ) {}

  static async start(stack: Stack, folder: string): Promise<Sampler> {
    const session = Math.max(-1, ...(await readSamples(folder)).map((sample) => sample.session)) + 1;
    const sampler = new Sampler(stack, folder, session);
    sampler.timer = setInterval(() => {
      sampler.looking = sampler.looking
        .then(async () => await sampler.look())
        .catch((error: unknown) => {
          sampler.failed ??= error;
        });
    }, INTERVAL_MS);
    return sampler;
  }

  /** Takes the last look. @throws what a look threw */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    if (this.failed !== undefined) throw this.failed;
    await this.look();
  }

  private async look(): Promise<void> {
    const { stack } = this;
    const second = (performance.now() - this.startMs) / 1000;
    const { requests, repeated } = await stack.stats();
    if (this.looks++ % DISK_EVERY === 0) this.journalBytes = (await diskUsage(join(stack.home, 'store'))).journalBytes;
    const usages = stack.processes.map((process) => [process.name, process.usage()] as const).filter((pair) => pair[1] !== undefined);
    const column = (pick: 'rssBytes' | 'peakRssBytes' | 'cpuSeconds'): Record<string, number> =>
      Object.fromEntries(usages.map(([name, usage]) => [name, usage?.[pick] ?? 0]));
    this.latest = {
      session: this.session,
      second: Math.round(second * 10) / 10,
      requests,
      repeated,
      rss: column('rssBytes'),
      peakRss: column('peakRssBytes'),
      cpuSeconds: column('cpuSeconds'),
      journalBytes: this.journalBytes,
      databaseBytes: (await sizeOf(stack.dbFile)) + (await sizeOf(`${stack.dbFile}-wal`)),
    };
    await appendFile(join(this.folder, FILE), `${JSON.stringify(this.latest)}\n`);
  }
}

/** Adds up the samples of all starts of a run. */
export async function sampledFigures(folder: string): Promise<SampledFigures> {
  const samples = await readSamples(folder);
  const last = [...new Map(samples.map((sample) => [sample.session, sample])).values()];
  const sum = (pick: (sample: Sample) => number): number => last.reduce((total, sample) => total + pick(sample), 0);
  const most = (pick: (sample: Sample) => number): number => Math.max(0, ...samples.map(pick));
  const names = [...new Set(samples.flatMap(({ rss }) => Object.keys(rss)))];
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (part: readonly Sample[], name: string): number => {
    const values = part.flatMap(({ rss }) => rss[name] ?? []);
    return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
  };
  return {
    sessions: last.length,
    seconds: sum(({ second }) => second),
    requests: sum(({ requests }) => requests),
    repeated: sum(({ repeated }) => repeated),
    journalPeakBytes: most(({ journalBytes }) => journalBytes),
    databasePeakBytes: most(({ databaseBytes }) => databaseBytes),
    memory: Object.fromEntries(
      names.map((name) => [
        name,
        {
          peakBytes: most(({ peakRss }) => peakRss[name] ?? 0),
          firstThirdBytes: mean(samples.slice(0, third), name),
          lastThirdBytes: mean(samples.slice(-third), name),
          cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds[name] ?? 0),
        },
      ]),
    ),
  };
}

async function readSamples(folder: string): Promise<Sample[]> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // A line that a kill tore is no sample.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Sample);
}
