import { randomUUID } from 'node:crypto';
import type { RedisLink } from './redis-link';
import { SHARE_SCRIPT } from './share-script';
import type { ShareMember, SharedSlots } from './shared-slots';

export interface RedisShareOptions {
  readonly link: RedisLink;
  /** Of the endpoint, the same in all processes. */
  readonly key: string;
  readonly member: ShareMember;
  /** Between reports. */
  readonly everyMs?: number;
  /** A process that has not reported for this long has no part any more; it starts no call in the second half of it. */
  readonly leaseMs?: number;
}

type Reply = [part: number, limit: number, ceiling: number, leads: number, closedForMs: number, cuts: number, cutter: string];

const EVERY_MS = 1_000;
const LEASE_MS = 10_000;
/** Urgent reports are at least this far apart. */
const SOON_MS = 100;

/**
 * This process's part of an endpoint's requests in flight, agreed on through Redis about once a second.
 *
 * While Redis does not answer, calls start for half a lease; the other half is for those in flight to end, since the part may be
 * given to others after it. So the limit holds even where only this process cannot reach Redis, but for calls longer than that.
 */
export class RedisShare implements SharedSlots {
  isLeader = false;
  readonly settleMs: number;
  private readonly id = randomUUID();
  private readonly everyMs: number;
  private readonly leaseMs: number;
  private part = 0;
  private startsUntilMs = 0;
  /** What this process has last reported to the others. */
  private toldDemand = 0;
  private toldHeld = 0;
  private toldCuts = 0;
  private knownLimit: number | undefined;
  private knownCuts: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private lastMs = Number.NEGATIVE_INFINITY;
  private reporting: Promise<void> | undefined;
  /** Something changed while a report was being sent. */
  private isStale = false;
  private hasLeft = false;

  constructor(private readonly options: RedisShareOptions) {
    this.everyMs = options.everyMs ?? EVERY_MS;
    this.leaseMs = options.leaseMs ?? LEASE_MS;
    // A part shrinks at a process's next report, and is free for others at the one after that.
    this.settleMs = 3 * this.everyMs;
  }

  get slots(): number {
    return performance.now() < this.startsUntilMs ? this.part : 0;
  }

  want(demand: number): void {
    // If the last demand was met, more may be free at once; if not, the next regular report brings more.
    if (demand > this.toldDemand && this.toldDemand <= this.slots) this.ask();
    else if (this.timer === undefined && this.reporting === undefined) this.schedule(this.everyMs);
  }

  ask(): void {
    if (this.reporting !== undefined) this.isStale = true;
    else this.schedule(Math.max(0, this.lastMs + SOON_MS - performance.now()));
  }

  async leave(): Promise<void> {
    this.hasLeft = true;
    clearTimeout(this.timer);
    await this.reporting;
    await this.options.link.attempt(async (client) => await client.hdel(this.options.key, `process:${this.id}`));
    this.part = 0;
  }

  private schedule(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (this.hasLeft || dueMs >= this.dueMs) return;
    clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.timer = undefined;
      this.reporting = this.report().finally(() => {
        this.reporting = undefined;
        this.goOn();
      });
    }, inMs);
  }

  private goOn(): void {
    const { inFlight, demand } = this.options.member.report();
    if (this.isStale) this.ask();
    // With no demand there are no reports, once the others know that nothing is held.
    else if (demand > 0 || inFlight > 0 || this.toldHeld > 0) this.schedule(this.everyMs);
    this.isStale = false;
  }

  private async report(): Promise<void> {
    const { link, key, member } = this.options;
    const { concurrency, ceiling, inFlight, demand, closedForMs, cuts } = member.report();
    const held = Math.max(this.slots, inFlight);
    const askedMs = performance.now();
    this.lastMs = askedMs;
    const reply = await link.attempt(
      async (client) =>
        (await client.eval(
          SHARE_SCRIPT,
          1,
          key,
          this.id,
          this.leaseMs,
          demand,
          held,
          concurrency,
          concurrency === this.knownLimit ? '0' : '1',
          this.isLeader ? ceiling : '',
          Math.ceil(closedForMs),
          cuts > this.toldCuts ? '1' : '0',
        )) as Reply,
    );
    if (reply === undefined) return;
    const [part, limit, agreedCeiling, leads, closed, allCuts, cutter] = reply;
    this.toldDemand = demand;
    this.toldHeld = Math.max(part, held);
    this.toldCuts = cuts;
    this.part = part;
    // Counted from the request: others may have the part when the lease is over by Redis's clock, which is later.
    this.startsUntilMs = askedMs + this.leaseMs / 2;
    this.isLeader = leads === 1;
    this.knownLimit = limit;
    const wasCutByOthers = this.knownCuts !== undefined && allCuts > this.knownCuts && cutter !== this.id;
    this.knownCuts = allCuts;
    const isNews = member.report().concurrency !== concurrency;
    member.apply({
      concurrency: isNews ? undefined : limit,
      isLeader: this.isLeader,
      ceiling: agreedCeiling,
      closedForMs: closed,
      wasCutByOthers,
      burstMs: 2 * this.everyMs,
    });
  }
}
