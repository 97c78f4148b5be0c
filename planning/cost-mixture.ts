import type { RunSpec } from '../config/spec';
import { leastReplay, planMixture } from '../method/mixture';
import type { Assumptions } from './cost-assumptions';
import type { KnownCounts } from './known-counts';
import { answeredInstructions } from './stage-costs';

/** Examples of the mixture, by what they are from. */
export interface PlannedMixture {
  readonly replay: number;
  readonly new: number;
  readonly total: number;
  /** Whether the new data could be counted; otherwise it is taken to be as much as the replay set has room for. */
  readonly newKnown: boolean;
}

/** Both sides of the mixture. Without the new data's count it is taken to be as much as the replay set has room for. */
export function planExamples(spec: RunSpec, a: Assumptions, known: KnownCounts): PlannedMixture {
  const { newShare, maxExamples, holdOut } = spec.mix;
  const replayAvailable = Math.max(leastReplay(newShare), Math.round(answeredInstructions(spec, a) * a.keptShare) - (holdOut?.replay ?? 0));
  const newKnown = known.newExamples !== undefined && known.newExamples > 0;
  const newAvailable = newKnown
    ? Math.max(1, known.newExamples - (holdOut?.new ?? 0))
    : Math.max(1, Math.round((replayAvailable * newShare) / (1 - newShare)));
  const plan = planMixture({ replayAvailable, newAvailable, newShare, limit: maxExamples, onShortage: 'shrink-new' });
  return { replay: plan.replayCount, new: plan.newCount, total: plan.total, newKnown };
}
