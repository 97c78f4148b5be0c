import type { ArtifactStore } from '../store/artifact-store';

/** A try to create a job. Each has a number, and of all who want to make it exactly one may. */
export interface JobAttempt {
  /** From 1. */
  readonly number: number;
  /** When it was begun, in ms. */
  readonly atMs: number;
  /** What came of it: not known yet, nothing, or a job. */
  readonly end: 'open' | 'nothing' | { readonly job: string };
}

const ATTEMPT = /^attempt-(\d{4})\.json$/;

/**
 * Who may create a job, and what came of it, written down before and after. A worker that dies between leaves an open
 * attempt, by which the next one knows that there may be a job to look for.
 */
export class JobLedger {
  /** @param folder of the training's output, in the store */
  constructor(
    private readonly store: ArtifactStore,
    private readonly folder: string,
  ) {}

  /** The last attempt, or undefined when there was none. */
  async last(): Promise<JobAttempt | undefined> {
    const numbers = (await this.store.list(this.folder)).flatMap((name) => Number(ATTEMPT.exec(name)?.[1] ?? NaN)).filter(Number.isFinite);
    if (numbers.length === 0) return undefined;
    const number = Math.max(...numbers);
    const begun = await this.read<{ readonly atMs: number }>(this.path(number));
    if (begun === undefined) return undefined;
    const ended = await this.read<{ readonly job: string | null }>(this.path(number, '-end'));
    return { number, atMs: begun.atMs, end: ended === undefined ? 'open' : ended.job === null ? 'nothing' : { job: ended.job } };
  }

  /** Begins an attempt; undefined when somebody else has begun the one of this number. */
  async begin(number: number, atMs: number): Promise<JobAttempt | undefined> {
    return (await this.store.create(this.path(number), JSON.stringify({ atMs }))) ? { number, atMs, end: 'open' } : undefined;
  }

  /** @param job its id, or null when the provider made none */
  async end({ number }: Pick<JobAttempt, 'number'>, job: string | null): Promise<void> {
    await this.store.write(this.path(number, '-end'), JSON.stringify({ job }));
  }

  /** Where an attempt's end is written down, for people. */
  location({ number }: Pick<JobAttempt, 'number'>): string {
    return this.store.location(this.path(number, '-end'));
  }

  private path(number: number, suffix = ''): string {
    return `${this.folder}/attempt-${String(number).padStart(4, '0')}${suffix}.json`;
  }

  private async read<T>(path: string): Promise<T | undefined> {
    const data = await this.store.read(path);
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as T);
  }
}
