import { readFile, rename, writeFile } from 'node:fs/promises';
import type { KillOutcome } from './contender-run';
import type { ClientFigures } from './speed-run';

/** One measurement: a whole run of a client, or one that is killed in the middle. */
export interface PeerTask {
  readonly client: string;
  readonly inFlight: number;
  readonly prompts: number;
  readonly what: 'run' | 'kill';
  readonly round: number;
}

/** Its outcome; one of the three. */
export interface PeerResult extends PeerTask {
  readonly figures?: ClientFigures;
  readonly kill?: KillOutcome;
  /** Why there are no figures, in words. */
  readonly failed?: string;
}

/** What figures must have in common to stand in one table. */
export interface PeerSettings {
  readonly latencyMs: number;
  readonly timeoutMs: number;
  readonly cpu: string;
}

export interface MeasuredPeers {
  readonly settings: PeerSettings;
  readonly date: string;
  readonly results: readonly PeerResult[];
}

/** The results of a benchmark in one file, rewritten after each, so that one that was broken off goes on where it was. */
export class PeerResults {
  private constructor(
    private readonly file: string,
    private measured: MeasuredPeers,
  ) {}

  /** @throws Error when the file holds figures of other settings */
  static async open(file: string, settings: PeerSettings, date: string): Promise<PeerResults> {
    const earlier = await readMeasured(file);
    if (earlier === undefined) return new PeerResults(file, { settings, date, results: [] });
    if (JSON.stringify(earlier.settings) !== JSON.stringify(settings)) {
      throw new Error(
        `${file} was measured with ${JSON.stringify(earlier.settings)}, not ${JSON.stringify(settings)}; measure with those settings, or remove it`,
      );
    }
    return new PeerResults(file, earlier);
  }

  get all(): MeasuredPeers {
    return this.measured;
  }

  has(task: PeerTask): boolean {
    return this.measured.results.some((result) => isSame(result, task));
  }

  async drop(tasks: readonly PeerTask[]): Promise<void> {
    await this.save({ ...this.measured, results: this.measured.results.filter((result) => !tasks.some((task) => isSame(task, result))) });
  }

  async add(result: PeerResult, date: string): Promise<void> {
    await this.save({ ...this.measured, date, results: [...this.measured.results, result] });
  }

  private async save(measured: MeasuredPeers): Promise<void> {
    this.measured = measured;
    await writeFile(`${this.file}.new`, JSON.stringify(measured, null, 2));
    await rename(`${this.file}.new`, this.file);
  }
}

function isSame(a: PeerTask, b: PeerTask): boolean {
  return a.client === b.client && a.inFlight === b.inFlight && a.prompts === b.prompts && a.what === b.what && a.round === b.round;
}

async function readMeasured(file: string): Promise<MeasuredPeers | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as MeasuredPeers;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read; remove it and measure anew`, { cause: error });
  }
}
