import { hash32 } from './hash';
import { MethodError } from './method-error';
import { createRandom, shuffled, type Random } from './random';
import type { Conversation, MixtureRow } from './records';

export interface MixturePlanInput {
  /** Rows of the replay set. */
  readonly replayAvailable: number;
  /** Rows of the new SFT data. */
  readonly newAvailable: number;
  /** Share of the whole mixture that is new data, by count, 0 to 1; the paper's is 0.17. */
  readonly newShare: number;
  /** Most rows of the mixture; without it, as many as the data allow. */
  readonly limit?: number;
  /** When the replay set is too small for all new data: fail, or use fewer new rows so that the share holds. */
  readonly onShortage: 'error' | 'shrink-new';
}

export interface MixturePlan {
  readonly replayCount: number;
  readonly newCount: number;
  readonly total: number;
  readonly requestedShare: number;
  /** newCount / total: the share that whole rows allow. */
  readonly share: number;
  /** Rows that were at hand and are left out. */
  readonly replayUnused: number;
  readonly newUnused: number;
  /** Whether a small replay set made the plan use fewer new rows. */
  readonly shrunk: boolean;
}

/**
 * How many rows of each source make the mixture (paper, section 3.2: "the new SFT data accounts for 17% of all the data").
 * All new data, and as much replay as the share then asks for; of `total` rows exactly the nearest whole number to
 * `newShare * total` is new, whichever limit applies.
 *
 * @throws {MethodError} on numbers out of range, when there are no rows to mix, or when replay is short and
 *   `onShortage` is `error`.
 */
export function planMixture(input: MixturePlanInput): MixturePlan {
  const { replayAvailable, newAvailable, newShare, limit, onShortage } = input;
  checkCount('replayAvailable', replayAvailable, 0);
  checkCount('newAvailable', newAvailable, 0);
  if (limit !== undefined) checkCount('limit', limit, 1);
  if (!(newShare >= 0 && newShare <= 1)) throw new MethodError(`newShare is ${newShare}; give a share from 0 to 1`);
  if (newShare > 0 && newAvailable === 0) throw new MethodError('there is no new data to mix; give at least one row');
  if (newShare < 1 && replayAvailable === 0) throw new MethodError('the replay set is empty, so there is nothing to mix the new data with');

  let newCount = newShare === 0 ? 0 : newAvailable;
  let replayCount = newShare === 0 ? replayAvailable : Math.round((newAvailable * (1 - newShare)) / newShare);
  if (limit !== undefined && newCount + replayCount > limit) {
    newCount = Math.round(limit * newShare);
    replayCount = limit - newCount;
  }
  const shrunk = replayCount > replayAvailable;
  if (shrunk) {
    if (onShortage === 'error') {
      throw new MethodError(
        `${newCount} new rows at a share of ${newShare} ask for ${replayCount} replay rows, but there are ${replayAvailable}; ` +
          'extract more instructions, set a limit, or let the plan use fewer new rows (shrink-new)',
      );
    }
    replayCount = replayAvailable;
    newCount = Math.round((replayAvailable * newShare) / (1 - newShare));
  }
  const total = replayCount + newCount;
  if (newShare > 0 && newCount === 0) {
    throw new MethodError(`${total} rows are too few for a share of ${newShare}: not one would be new; use more rows`);
  }
  return {
    replayCount,
    newCount,
    total,
    requestedShare: newShare,
    share: newCount / total,
    replayUnused: replayAvailable - replayCount,
    newUnused: newAvailable - newCount,
    shrunk,
  };
}

/** Rows of the replay set beside which a share of new data, above 0 and below 1, has room for one new row. */
export function leastReplay(newShare: number): number {
  return Math.max(1, Math.ceil((0.5 * (1 - newShare)) / newShare));
}

export interface MixInput {
  readonly replay: readonly Conversation[];
  readonly new: readonly Conversation[];
  readonly plan: Pick<MixturePlan, 'replayCount' | 'newCount'>;
  readonly seed: number;
}

/**
 * Draws the planned rows of each source and shuffles them together. The result depends on the rows and the seed, not on
 * the order in which the rows come; a plan for fewer rows of a source draws a subset of what a plan for more draws.
 * Ids sort in the order of the mixture and end in the row's own: `m0000042:replay:i0000007`.
 *
 * @throws {MethodError} when an id is given twice, or the plan asks for more rows than there are.
 */
export function mix({ replay, new: fresh, plan, seed }: MixInput): MixtureRow[] {
  const drawn = [...draw('replay', replay, plan.replayCount, seed), ...draw('new', fresh, plan.newCount, seed)];
  const digits = Math.max(7, String(drawn.length).length);
  return shuffled(drawn, streamOf(seed, 'order')).map((row, position) => ({
    ...row,
    id: `m${String(position).padStart(digits, '0')}:${row.source}:${row.id}`,
  }));
}

function draw(source: MixtureRow['source'], rows: readonly Conversation[], count: number, seed: number): MixtureRow[] {
  if (count > rows.length) throw new MethodError(`the plan asks for ${count} ${source} rows, but there are ${rows.length}`);
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  sorted.forEach(({ id }, index) => {
    if (sorted[index + 1]?.id === id) throw new MethodError(`the ${source} row ${id} is given twice; give every row once`);
  });
  return shuffled(sorted, streamOf(seed, source))
    .slice(0, count)
    .map(({ id, messages, tools, cut = false }) => ({
      id,
      source,
      messages,
      ...(tools === undefined ? {} : { tools }),
      ...(cut ? { cut } : {}),
    }));
}

/** Each use has a stream of its own: shuffling twice with one stream reaches only some of the orders. */
function streamOf(seed: number, use: string): Random {
  return createRandom(hash32(`${seed}|${use}`));
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new MethodError(`${name} is ${value}; give a whole number from ${least}`);
  }
}
