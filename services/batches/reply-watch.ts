import type { FailureType } from '../../contract/failures';
import type { Failure } from '../../method/records';
import { NULL_END } from '../endpoints/reply-ends';
import type { Redact } from '../endpoints/secrets';
import type { Exchange } from './batch-item';

/**
 * Nearly all that a model was asked for came back unusable. The replies are kept; the batch goes on from them when somebody has looked
 * at what came back.
 */
export class UnusableRepliesError extends Error {
  override readonly name = 'UnusableRepliesError' satisfies FailureType;
}

/** This many items without a usable one among them, from the first on, are no bad luck; so no more are begun before one was usable. */
const FIRST_ITEMS = 20;
/** Of the latest items this many, and this share of them at least. */
const LATEST_ITEMS = 100;
const MOST_UNUSABLE = 90;
/** Characters of a reply that are shown. */
const SHOWN = 160;

/** Who is watched, for the message. */
export interface Watched {
  /** `model "name" at URL`. */
  readonly endpoint: string;
  /** Name under `models`. */
  readonly model: string;
  readonly stage: string;
  /** Takes the model's keys out of what is shown. */
  readonly redact: Redact;
}

/** An item that is done. */
export interface WatchedItem {
  readonly id: string;
  readonly rows: readonly { readonly id: string }[];
  readonly failures: readonly Failure[];
  readonly exchanges: readonly Exchange[];
}

/** Counts what becomes of a model's items in one stage of a run, over all its batches in this process. */
export class ReplyWatch {
  private hadUsable = false;
  /** Why the run was stopped, until a usable item comes. */
  private alarm: string | undefined;
  /** Of the latest items, by id, why each was unusable; null for a usable one. */
  private readonly latest = new Map<string, string | null>();
  /** Items that were begun while none was usable, and have not ended. */
  private inWork = 0;
  private readonly waiting = new Set<() => void>();

  /** Whether an item may begin at once: one was usable, or no alarm could come of it yet. */
  private get hasRoom(): boolean {
    return this.hadUsable || this.inWork + this.latest.size < FIRST_ITEMS;
  }

  /**
   * An item wants to begin: waits while as many as it takes to be alarmed are in work and none was usable, so that no more are paid
   * before it is known whether anything can come of it.
   * @returns what to call when the item has ended, or is set aside
   * @throws UnusableRepliesError, or the signal's reason
   */
  async admit(signal: AbortSignal): Promise<() => void> {
    this.check();
    while (!this.hasRoom) {
      await untilEither(signal, this.waiting);
      signal.throwIfAborted();
      this.check();
    }
    this.inWork++;
    return () => {
      this.inWork--;
      this.wake();
    };
  }

  /**
   * Counts an item; one that is played again from the journal counts once.
   * @throws UnusableRepliesError when there is reason to stop before more is paid
   */
  add({ id, rows, failures, exchanges }: WatchedItem, watched: Watched): void {
    if (exchanges.length === 0) return; // no call was made, which says nothing of the model
    const reason = reasonOf(rows, failures);
    this.latest.set(id, reason);
    const [oldest] = this.latest.keys();
    if (oldest !== undefined && this.latest.size > LATEST_ITEMS) this.latest.delete(oldest);
    if (reason === null) {
      this.hadUsable = true;
      this.alarm = undefined;
      this.wake();
      return;
    }
    const reasons = [...this.latest.values()].filter((each) => each !== null);
    const isFirst = !this.hadUsable && this.latest.size >= FIRST_ITEMS;
    if (!isFirst && (this.latest.size < LATEST_ITEMS || reasons.length < MOST_UNUSABLE)) return;
    const counted = isFirst ? `all of the first ${this.latest.size} items` : `${reasons.length} of the latest ${this.latest.size} items`;
    this.alarm =
      `${watched.endpoint}: ${counted} of ${watched.stage} came out unusable (${tally(reasons)}); ` +
      `the last time came back ${shown(exchanges.at(-1), watched.redact)}; ${adviceFor(mostFrequent(reasons), watched)}`;
    this.wake();
    this.check();
  }

  private wake(): void {
    for (const go of this.waiting) go();
    this.waiting.clear();
  }

  /** To be asked before a batch sends anything. @throws UnusableRepliesError when the run was stopped and nothing has come since */
  check(): void {
    if (this.alarm !== undefined) throw new UnusableRepliesError(this.alarm);
  }
}

/** Waits until somebody calls what is put into `waiting`, or the signal is aborted. */
async function untilEither(signal: AbortSignal, waiting: Set<() => void>): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      signal.removeEventListener('abort', go);
      waiting.delete(go);
      resolve();
    };
    waiting.add(go);
    signal.addEventListener('abort', go, { once: true });
  });
}

/** Why an item came to nothing; null where something of it is usable. A judgment without a score has a row of its own, and a failure. */
function reasonOf(rows: WatchedItem['rows'], failures: readonly Failure[]): string | null {
  const lost = new Set(failures.map(({ id }) => id));
  const first = failures[0];
  return first === undefined || rows.some(({ id }) => !lost.has(id)) ? null : kindOf(first.reason);
}

/** A refusal without its words; an end with its name. */
function kindOf(reason: string): string {
  return reason.startsWith('ended: ') ? reason : (reason.split(':')[0] ?? reason);
}

function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join(', ');
}

function mostFrequent(reasons: readonly string[]): string {
  return tally(reasons).replace(/: \d+(?:,.*)?$/, '');
}

/** What came back, in one bounded line of printable characters. */
function shown(exchange: Exchange | undefined, redact: Redact): string {
  if (exchange?.error !== undefined) return quoted(`${exchange.error.kind}: ${exchange.error.message}`, redact);
  const choice = exchange?.reply?.choices[0];
  if (choice === undefined) return 'a reply without choices';
  const { text, reasoning, finishReason } = choice;
  const end = `with finish_reason ${finishReason ?? 'null'}`;
  if (text.trim() === '' && reasoning !== undefined) return `no text, but the thought ${quoted(reasoning, redact)} ${end}`;
  return text === '' ? `an empty text ${end}` : `${quoted(text, redact)} ${end}`;
}

function quoted(text: string, redact: Redact): string {
  const safe = redact(text.slice(0, 4 * SHOWN))
    .replace(/\s+/g, ' ')
    .trim();
  const short = safe.length > SHOWN ? `${safe.slice(0, SHOWN / 2)} … ${safe.slice(-SHOWN / 2)}` : safe;
  return JSON.stringify(short).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '\ufffd');
}

function adviceFor(reason: string, { model, stage }: Watched): string {
  const change = 'and start the changed spec as another run, which finds what is paid for already and still fits';
  if (reason.endsWith('thinking')) {
    return `give its thoughts room with models.${model}.thinking.maxTokens, or turn them off with models.${model}.thinking.mode: off, ${change}`;
  }
  if (reason === NULL_END) {
    return `its replies say that they go on (finish_reason: null): where they are whole all the same, set models.${model}.tellsEnds: false, ${change}`;
  }
  if (reason === 'truncated') return `raise synthesis.${stage}.sampling.maxTokens, ${change}`;
  if (stage === 'extract') return `check models.${model}.template against the model's own chat format, ${change}`;
  if (stage === 'judge') {
    return `this judge does not end its replies with "Score: <rating>": raise synthesis.judge.sampling.maxTokens, take another judge, or set synthesis.judge.scoring: expected, ${change}`;
  }
  return `look at what the endpoint sends, mend it or the spec's models.${model}, ${change}`;
}
