import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Another attempt at the same batch has opened its journal: this one may not begin calls on the budget that they share. */
export class JournalSupersededError extends Error {
  override readonly name = 'JournalSupersededError';

  constructor(folder: string) {
    super(`another attempt at this batch has opened the journal in ${folder} and continues it; this attempt ends`);
  }
}

/**
 * An attempt's turn at a journal, as an empty file with the next number. A turn is taken before the journal is read: the new
 * attempt reads what earlier ones had written by then, and an earlier one that writes later can see the new turn.
 */
export class JournalTurn {
  private constructor(
    private readonly folder: string,
    private readonly number: number,
  ) {}

  /** @param folder an existing folder */
  static async take(folder: string): Promise<JournalTurn> {
    for (let number = (await latestTurn(folder)) + 1; ; number++) {
      try {
        const file = await open(join(folder, `turn-${number}`), 'wx');
        await file.close();
        return new JournalTurn(folder, number);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // taken by another attempt just now
      }
    }
  }

  /** Whether a later attempt has taken its turn, or has ended and removed the journal. */
  async isOver(): Promise<boolean> {
    try {
      return (await latestTurn(this.folder)) !== this.number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
  }
}

/** 0 when there is none. */
async function latestTurn(folder: string): Promise<number> {
  const numbers = (await readdir(folder)).map((name) => Number(/^turn-(\d+)$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}
