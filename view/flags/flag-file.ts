import { readFile, writeFile } from 'node:fs/promises';
import { canBeExcluded, sourceId } from '../../services/data/excluded-rows';
import { replaceFile } from '../../services/store/artifact-store';

/** A row that somebody does not want, and why: a line of the file that `mix.exclude` reads. */
export interface Flag {
  /** Id of an instruction, a prompt of own answers, or a new conversation. */
  readonly id: string;
  readonly reason: string;
  readonly flaggedAt?: string;
}

const MOST_REASON_CHARACTERS = 500;

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

  /** Flags a row, or gives its flag another reason. @param given its id, or that which it has in a mixture @throws FlagError */
  async add(given: unknown, reason: unknown, now: Date): Promise<void> {
    const id = typeof given === 'string' ? sourceId(given) : '';
    if (!canBeExcluded(id)) {
      throw new FlagError(
        'Only instructions, prompts and new conversations can be flagged: rows of a public set are drawn anew with each mixture.',
      );
    }
    const words = typeof reason === 'string' ? reason.trim() : '';
    if (words === '') throw new FlagError('Say why: a flag without a reason tells nobody anything.');
    if (words.length > MOST_REASON_CHARACTERS) throw new FlagError(`A reason may have ${MOST_REASON_CHARACTERS} characters.`);
    const flag: Flag = { id, reason: words, flaggedAt: now.toISOString() };
    await this.change((lines) => [...lines.filter((line) => flagOf(line)?.id !== id), JSON.stringify(flag)]);
  }

  async remove(given: unknown): Promise<void> {
    const id = typeof given === 'string' ? sourceId(given) : given;
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
