import { randomUUID } from 'node:crypto';
import type { StageAddress } from '../../stages/address';
import type { ArtifactStore } from '../store/artifact-store';
import { sleep } from '../timing/sleep';

/** How long an owner may go on without having seen that it still is the owner. */
const LEASE_MS = 15_000;
const BEAT_MS = 5_000;
/** A heartbeat that has not changed for so long is that of an owner that has died, or was cut off: longer than its lease. */
const STALE_MS = 30_000;
/** The same where Temporal has given up the attempt before: its lease is over, also where its process hangs and comes back. */
const STALE_OF_HOLDER_MS = LEASE_MS + 1_000;

/** Another one has taken over the output in the making: this one may not begin calls for it. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
}

interface Seen {
  readonly sign: string;
  readonly at: Instant;
}

interface Beat {
  readonly owner: string;
  /** Whoever is of the same holder need not wait long: its predecessor was given up. */
  readonly holder: string;
  readonly count: number;
  readonly released: boolean;
}

/**
 * Who makes an output, of all runs and workers that share a store, whatever their Temporal servers: one at a time. An owner is a file that
 * only one can create, `owner-N`; its heartbeat is a counter in `beat-N`. Who waits looks at it now and then, and times by its own clock
 * how long it stands still, so that no two clocks are compared. The next owner creates `owner-N+1`, and the one before finds that out
 * before its next call once its lease is over.
 */
export class Claims {
  /** By folder: the sign of life that was seen last, and since when. */
  private readonly seen = new Map<string, Seen>();

  constructor(
    private readonly store: ArtifactStore,
    private readonly now: () => Instant = instant,
  ) {}

  /**
   * Claims an output that is to be made.
   * @param holder the work that it is claimed for: a later attempt at the same work takes over at once
   * @returns undefined while another one makes it
   */
  async take({ stage, key, part }: StageAddress, holder: string): Promise<Claim | undefined> {
    const folder = `claims/${stage}/${key}/${part}`;
    const latest = latestOwner(await this.store.list(folder));
    const before = latest === 0 ? undefined : await this.isFree(folder, latest, holder);
    if (before === false) return undefined;
    const number = latest + 1;
    const owner = randomUUID();
    const since = this.now();
    if (!(await this.store.create(`${folder}/owner-${number}`, owner))) return undefined;
    this.seen.delete(folder);
    // One that has come back to life just now looks before its lease is over; until then it may begin calls.
    if (before !== undefined && before !== (await this.signOf(folder, latest)).sign) await sleep(LEASE_MS, new AbortController().signal);
    const claim = new Claim(this.store, this.now, { folder, number, owner, holder, since });
    try {
      await claim.beat();
      for (const name of ['owner', 'beat']) if (latest > 0) await this.store.remove(`${folder}/${name}-${latest}`);
      return claim;
    } catch (error) {
      await claim.forsake(); // nobody has it, so nobody would give it back
      throw error;
    }
  }

  /** The sign of life after which the output may be taken; false while its owner is alive, as far as is known. */
  private async isFree(folder: string, number: number, holder: string): Promise<string | false> {
    const { sign, beat } = await this.signOf(folder, number);
    if (beat?.released === true) return sign;
    const before = this.seen.get(folder);
    if (before?.sign !== sign) {
      this.seen.set(folder, { sign, at: this.now() });
      return false;
    }
    // On the clock that stands still while the machine sleeps: who believes to have waited less takes over later.
    const waitedMs = this.now().monotonicMs - before.at.monotonicMs;
    return waitedMs > (beat?.holder === holder ? STALE_OF_HOLDER_MS : STALE_MS) ? sign : false;
  }

  private async signOf(folder: string, number: number): Promise<{ readonly sign: string; readonly beat: Beat | undefined }> {
    const beat = readBeat(await this.store.read(`${folder}/beat-${number}`));
    return { sign: `${number} ${beat?.owner ?? ''} ${beat?.count ?? ''}`, beat };
  }
}

interface ClaimOptions {
  readonly folder: string;
  readonly number: number;
  readonly owner: string;
  readonly holder: string;
  readonly since: Instant;
}

/** An output that this process makes. */
export class Claim {
  private confirmed: Instant;
  private count = 0;
  private lost = false;
  private ended = false;
  private beating: Promise<void> | undefined;
  private renewing: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly store: ArtifactStore,
    private readonly now: () => Instant,
    private readonly options: ClaimOptions,
  ) {
    this.confirmed = options.since;
    this.timer = setInterval(() => void this.beatOnce().catch(() => undefined), BEAT_MS); // a store that is away is found out by `hold`
    this.timer.unref();
  }

  /**
   * To be awaited before each call: returns while the lease holds, or after a look that it still is the owner.
   * @throws ClaimLostError when another one has taken over; what the store throws
   */
  async hold(): Promise<void> {
    if (!this.lost && elapsedMs(this.confirmed, this.now()) < LEASE_MS) return;
    this.renewing ??= this.renew().finally(() => (this.renewing = undefined));
    await this.renewing;
    if (this.lost) {
      throw new ClaimLostError(`another run or worker has taken over ${this.options.folder}; what it has journalled is not lost`);
    }
  }

  /** Says that it is alive, once it has seen that it is the owner. */
  async beat(): Promise<void> {
    const { owner, holder } = this.options;
    const at = this.now();
    if (!(await this.isOwner())) return;
    await this.write({ owner, holder, count: ++this.count, released: false });
    // Who takes over looks at the beat once more after that: one of the two sees the other.
    if (await this.isOwner()) this.confirmed = at;
  }

  private async isOwner(): Promise<boolean> {
    if (latestOwner(await this.store.list(this.options.folder)) !== this.options.number) this.lost = true;
    return !this.lost;
  }

  /** It may have been away for so long that its output was finished, and is made again by one of its number. */
  private async renew(): Promise<void> {
    const { folder, number, owner } = this.options;
    if ((await this.store.read(`${folder}/owner-${number}`))?.toString('utf8') === owner) await this.beatOnce();
    else this.lost = true;
  }

  /** The output is not finished: whoever wants it may go on at once. */
  async release(): Promise<void> {
    await this.end();
    if (this.lost) return;
    const { owner, holder } = this.options;
    await this.write({ owner, holder, count: ++this.count, released: true });
  }

  /** The output is finished: nobody has to make it. */
  async drop(): Promise<void> {
    await this.end();
    if (!this.lost) await this.store.remove(this.options.folder);
  }

  /** Shows no more signs of life: it lapses by itself. */
  async forsake(): Promise<void> {
    await this.end();
  }

  private async end(): Promise<void> {
    this.ended = true;
    clearInterval(this.timer);
    await this.beating?.catch(() => undefined);
  }

  /** One beat at a time: calls that wait for it share it. */
  private async beatOnce(): Promise<void> {
    if (this.ended) return;
    this.beating ??= this.beat().finally(() => (this.beating = undefined));
    await this.beating;
  }

  private async write(beat: Beat): Promise<void> {
    await this.store.write(`${this.options.folder}/beat-${this.options.number}`, JSON.stringify(beat));
  }
}

/** A moment on both clocks: one stands still while the machine sleeps, the other may be set. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

function instant(): Instant {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** The longer of both: an owner that holds on for longer than it thinks pays twice. */
function elapsedMs(from: Instant, to: Instant): number {
  return Math.max(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs);
}

/** 0 when there is none. */
function latestOwner(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => Number(/^owner-(\d+)$/.exec(name)?.[1] ?? 0)));
}

/** Undefined when it is not written yet, or not whole. */
function readBeat(data: Buffer | undefined): Beat | undefined {
  try {
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as Beat);
  } catch {
    return undefined;
  }
}
