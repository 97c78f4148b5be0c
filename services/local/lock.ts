import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifySelf, isAlive, type ProcessIdentity } from './process-identity';

export interface LockOptions {
  /** Called once, with the holder's pid, when another process holds the lock. */
  readonly onWait?: (holderPid: number) => void;
  readonly pollMs?: number;
}

const POLL_MS = 250;
const BREAKER_STALE_MS = 5_000;
let serial = 0;

/**
 * Runs `body` while no other process does so under the same lock file. A lock whose holder has died is taken over.
 * Works on a local disk, between processes of one machine.
 */
export async function withLock<T>(file: string, body: () => Promise<T>, { onWait, pollMs = POLL_MS }: LockOptions = {}): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const mine = JSON.stringify({ ...identifySelf(), serial: serial++ });
  let told = false;
  while (!tryTake(file, mine)) {
    const holder = readHolder(file);
    if (holder !== undefined && !told) {
      told = true;
      onWait?.(holder.pid);
    }
    await sleep(pollMs);
  }
  try {
    return await body();
  } finally {
    if (readText(file) === mine) rmSync(file, { force: true });
  }
}

/** A link appears whole or not at all, so that no reader ever sees a lock without its holder. */
function tryTake(file: string, mine: string): boolean {
  const own = `${file}.${process.pid}.${serial++}`;
  writeFileSync(own, mine);
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        linkSync(own, file);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (attempt > 0 || !breakIfDead(file)) return false;
      }
    }
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes the lock of a dead holder; a second lock makes sure that only one process does. */
function breakIfDead(file: string): boolean {
  const holder = readHolder(file);
  if (holder === undefined || isAlive(holder)) return false;
  const breaker = `${file}.breaking`;
  try {
    mkdirSync(breaker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Whoever made it needs milliseconds; one that stays was left by a kill.
    if (Date.now() - (statSync(breaker, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > BREAKER_STALE_MS) {
      rmSync(breaker, { recursive: true, force: true });
    }
    return false;
  }
  try {
    const again = readHolder(file);
    if (again === undefined || isAlive(again)) return false;
    rmSync(file, { force: true });
    return true;
  } finally {
    rmSync(breaker, { recursive: true, force: true });
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  const text = readText(file);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
