import { link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exists } from '../store/artifact-store';
import type { CheckpointLog, TrainingCheckpoints } from './training-checkpoints';

export interface CheckpointUploadsOptions {
  readonly checkpoints: Pick<TrainingCheckpoints, 'put'>;
  /** Folder on the disk of the checkpoints for what is being uploaded. */
  readonly holdIn: string;
  readonly log: CheckpointLog;
  /** Pause before the first new try; it doubles. */
  readonly retryMs?: number;
}

const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 5 * 60_000;

/**
 * Stores checkpoints beside a training that goes on, one at a time and always the newest: one that was overtaken while another
 * was on its way is left out. What fails is tried again, and never fails the training.
 */
export class CheckpointUploads {
  private readonly ended = new AbortController();
  private waiting: string | undefined;
  private working: Promise<void> | undefined;

  constructor(private readonly options: CheckpointUploadsOptions) {}

  /** @param checkpoint folder of a complete checkpoint */
  offer(checkpoint: string): void {
    if (this.ended.signal.aborted) return;
    this.waiting = checkpoint;
    this.working ??= this.work();
  }

  /** Returns when the newest one is stored, or `withinMs` is over; then nothing more is stored. */
  async finish(withinMs: number): Promise<void> {
    await Promise.race([this.working, sleep(withinMs, undefined, { ref: false })]);
    this.ended.abort(new Error('the training has ended'));
  }

  /** Stores nothing more: what was on its way is not needed. Returns when nothing is written any more. */
  async abandon(): Promise<void> {
    this.ended.abort(new Error('the training has ended'));
    await this.working;
  }

  private async work(): Promise<void> {
    const { checkpoints, holdIn, log, retryMs = RETRY_MS } = this.options;
    const { signal } = this.ended;
    for (let pauseMs = retryMs; this.waiting !== undefined && !signal.aborted;) {
      const checkpoint = this.waiting;
      try {
        const held = await hold(checkpoint, holdIn);
        if (held !== undefined) {
          await checkpoints.put(held, signal);
          log.info({ checkpoint }, 'checkpoint stored');
        }
        await rm(holdIn, { recursive: true, force: true });
        if (this.waiting === checkpoint) this.waiting = undefined;
        pauseMs = retryMs;
      } catch (error) {
        if (signal.aborted) break;
        log.warn(
          { err: error, checkpoint },
          `the checkpoint is not stored yet; trying again in ${pauseMs / 1000} s, with a newer one if there is one`,
        );
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
      }
    }
    this.working = undefined;
  }
}

/**
 * Links a checkpoint's files into a folder, so that they stay when the trainer removes the checkpoint as an old one.
 * Returns where; undefined when it is gone already.
 */
async function hold(checkpoint: string, folder: string): Promise<string | undefined> {
  const held = join(folder, basename(checkpoint));
  if (await exists(held)) return held; // from a try that failed
  await rm(folder, { recursive: true, force: true });
  const making = join(folder, 'making');
  try {
    for (const entry of await readdir(checkpoint, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const from = join(entry.parentPath, entry.name);
      const to = join(making, relative(checkpoint, from));
      await mkdir(dirname(to), { recursive: true });
      await link(from, to);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !(await exists(checkpoint))) return undefined;
    throw error;
  }
  await rename(making, held);
  return held;
}
