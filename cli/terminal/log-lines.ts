import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { oneLine } from './output';

const POLL_MS = 300;
const MOST_CHARS = 2_000;
/** Pino's levels. */
const LEVELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/**
 * A line of a log for people: time, level, run, message, and what else it says. A line that is no JSON stays.
 * @returns undefined where it is not about the run that is asked for
 */
export function logLine(line: string, { run, raw }: { readonly run?: string; readonly raw: boolean }): string | undefined {
  const entry = parse(line);
  if (run !== undefined && entry?.['run'] !== run) return undefined;
  if (raw || entry === undefined) return raw ? line : oneLine(line, MOST_CHARS);
  const { level, time, msg, pid: _pid, run: of, part, err, ...rest } = entry;
  const at = typeof time === 'number' ? new Date(time).toISOString().slice(0, 19).replace('T', ' ') : '';
  const what = [of, part].filter((name) => typeof name === 'string').join('/');
  const said = [msg, (err as { message?: unknown } | undefined)?.message].filter((text) => typeof text === 'string').join(': ');
  const more = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest);
  return oneLine([at, LEVELS[Number(level)] ?? '', what, said, more].filter((text) => text !== '').join(' '), MOST_CHARS);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // cut off, or no JSON
  }
}

/** The last lines of a file that are wanted, and where it ended. */
export async function lastLines(
  file: string,
  count: number,
  isWanted: (line: string) => boolean,
): Promise<{ readonly found: readonly string[]; readonly end: number }> {
  const handle = await open(file);
  const { size } = await handle.stat();
  await handle.close();
  const found: string[] = [];
  if (size === 0) return { found, end: 0 };
  for await (const line of createInterface({ input: createReadStream(file, { end: size - 1 }) })) {
    if (!isWanted(line)) continue;
    found.push(line);
    if (found.length > count) found.shift();
  }
  return { found, end: size };
}

/** Calls back for each line that is added after `from` bytes, until the signal; a file that was begun again is read from its start. */
export async function followLines(file: string, from: number, show: (line: string) => void, stop: AbortSignal): Promise<void> {
  let at = from;
  let rest = '';
  while (!stop.aborted) {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      if (size < at) [at, rest] = [0, ''];
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - at), position: at });
      at += bytesRead;
      const lines = (rest + buffer.subarray(0, bytesRead).toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) show(line);
    } finally {
      await handle.close();
    }
    await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
