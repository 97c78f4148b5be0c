import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { dataDir } from './paths';
import { identifySelf, isAlive, type ProcessIdentity } from './process-identity';

/** What is on disk about a worker process, so that one that starts after it was killed knows so. */
interface WorkerRecord {
  /** Its name at the Temporal server. */
  readonly identity: string;
  readonly process: ProcessIdentity;
  /** Where its process number means something: the machine, and the container. */
  readonly space: string;
}

/** Writes down that this process works under a name; returns how to take that back at an orderly end. */
export function recordWorker(identity: string): () => void {
  const self = identifySelf();
  const record: WorkerRecord = { identity, process: self, space: processSpace() };
  const file = join(recordsDir(), `${self.pid}-${self.started.replaceAll(/\W+/g, '-')}.json`);
  mkdirSync(recordsDir(), { recursive: true });
  writeFileSync(file, JSON.stringify(record));
  return () => rmSync(file, { force: true });
}

/**
 * Names of the workers of this data folder and machine that ended without an orderly end. Each is told once: of several processes that ask
 * at the same time, one takes it over.
 */
export function takeKilledWorkers(): string[] {
  return files().flatMap((file) => {
    const record = read(file);
    // What another machine or container wrote says nothing here: its numbers are others.
    if (record === undefined || record.space !== processSpace() || isAlive(record.process)) return [];
    return remove(file) ? [record.identity] : [];
  });
}

/** Whether this process was the one that removed it. */
function remove(file: string): boolean {
  try {
    rmSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function recordsDir(): string {
  return join(dataDir(), 'run', 'workers');
}

function files(): string[] {
  try {
    return readdirSync(recordsDir())
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(recordsDir(), name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function read(file: string): WorkerRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as WorkerRecord;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // cut off, or just removed
    throw error;
  }
}

/** Containers of one pod share a host name, and each counts its processes from 1. */
function processSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname(); // no Linux: one space of process numbers a machine
  }
}
