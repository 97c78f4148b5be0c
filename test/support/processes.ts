import { readdirSync, readFileSync } from 'node:fs';

/** Processes of this machine whose command line has all of these words, the oldest first. */
export function processes(...words: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.every((word) => command.includes(word));
      } catch {
        return false; // it has just ended
      }
    });
}
