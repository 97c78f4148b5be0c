import { readFile, writeFile } from 'node:fs/promises';
import { replaceFile } from '../../services/store/artifact-store';

/** A row that somebody does not want, and why: a line of the file that `mix.exclude` reads. */
export interface Flag {
  /** Id of an instruction. */
  readonly id: string;
  readonly reason: string;
  readonly flaggedAt?: string;
}

const MOST_REASON_CHARACTERS = 500;
const INSTRUCTION = /^i\d{7}$/;

/** A flag that cannot be one, in a sentence for the page. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/**
 * Flags of a run, as JSON lines that people may edit too: the file is read again each time, and lines that are no flags are kept as
 * they are. Changes come one after the other and replace the file whole.
 */
export class FlagFile {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(readonly path: string) {}

  async read(): Promise<Flag[]> {
    return (await this.lines()).flatMap((line) => flagOf(line) ?? []);
  }

  /** Flags an instruction, or gives its flag another reason. @throws FlagError */
  async add(id: unknown, reason: unknown, now: Date): Promise<void> {
    if (typeof id !== 'string' || !INSTRUCTION.test(id)) {
      throw new FlagError('Only an instruction can be flagged, by an id such as i0000042.');
    }
    const words = typeof reason === 'string' ? reason.trim() : '';
    if (words === '') throw new FlagError('Say why: a flag without a reason tells nobody anything.');
    if (words.length > MOST_REASON_CHARACTERS) throw new FlagError(`A reason may have ${MOST_REASON_CHARACTERS} characters.`);
    const flag: Flag = { id, reason: words, flaggedAt: now.toISOString() };
    await this.change((lines) => [...lines.filter((line) => flagOf(line)?.id !== id), JSON.stringify(flag)]);
  }

  async remove(id: unknown): Promise<void> {
    await this.change((lines) => lines.filter((line) => flagOf(line)?.id !== id));
  }

  private async change(edit: (lines: readonly string[]) => string[]): Promise<void> {
    const next = this.turn.then(async () => {
      const lines = edit(await this.lines());
      await replaceFile(this.path, async (temporary) => {
        await writeFile(temporary, lines.map((line) => `${line}\n`).join(''));
      });
    });
    this.turn = next.catch(() => undefined);
    await next;
  }

  private async lines(): Promise<string[]> {
    try {
      return (await readFile(this.path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

function flagOf(line: string): Flag | undefined {
  try {
    const value = JSON.parse(line) as Partial<Flag> | null;
    return typeof value?.id === 'string' ? { ...value, id: value.id, reason: String(value.reason ?? '') } : undefined;
  } catch {
    return undefined;
  }
}
