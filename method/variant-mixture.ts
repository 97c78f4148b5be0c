import { MethodError } from './method-error';
import { planMixture, type MixturePlan } from './mixture';

export interface VariantMixtureInput {
  /** The plan of the mixture of the method's replay set and the new data. */
  readonly base: MixturePlan;
  /** Rows of this variant's replay set; 0 for none. */
  readonly replayAvailable: number;
  readonly newAvailable: number;
  /** Share of new data that this variant asks for; 1 for new data alone. */
  readonly newShare: number;
}

/**
 * A variant's mixture under the same budget as the method's, so that rows of the table differ in nothing but what is
 * compared: the same new data and as many replay rows at the method's share; as many examples in all at another share; the
 * same new data and nothing else without replay. Where a replay set has too few rows, all of them are used and the new
 * data stays: the plan's `share` tells.
 *
 * @throws {MethodError} on numbers out of range, or when there is no row to mix.
 */
export function planVariantMixture({ base, replayAvailable, newAvailable, newShare }: VariantMixtureInput): MixturePlan {
  if (newShare === base.requestedShare) {
    if (replayAvailable === 0) throw new MethodError('the replay set is empty, so there is nothing to mix the new data with');
    return counted(base, Math.min(base.replayCount, replayAvailable), base.newCount, replayAvailable, newAvailable, newShare);
  }
  if (newShare === 1) return counted(base, 0, base.newCount, replayAvailable, newAvailable, newShare);
  return planMixture({ replayAvailable, newAvailable, newShare, limit: base.total, onShortage: 'shrink-new' });
}

function counted(
  base: MixturePlan,
  replayCount: number,
  newCount: number,
  replayAvailable: number,
  newAvailable: number,
  requestedShare: number,
): MixturePlan {
  const total = replayCount + newCount;
  return {
    replayCount,
    newCount,
    total,
    requestedShare,
    share: newCount / total,
    replayUnused: replayAvailable - replayCount,
    newUnused: newAvailable - newCount,
    shrunk: replayCount < base.replayCount && requestedShare !== 1,
  };
}
