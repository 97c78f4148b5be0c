import type { RunSpec } from '../config/spec';
import { variantsOf } from '../config/variants';
import type { HeldOutSet } from '../method/hold-out';
import type { Assumptions } from './cost-assumptions';
import { tokensOfExample, trainedOf } from './cost-training';
import { type Device, deviceFlops, deviceOf, targetParameters } from './device';
import type { KnownCounts } from './known-counts';

/** What measuring the loss on the held-out rows takes: forward passes on the gpu queue, no call to an endpoint. */
export interface HeldOutCost {
  readonly device: Device;
  /** Of each set, as far as the replay set is large enough. */
  readonly conversations: Readonly<Record<HeldOutSet, number>>;
  /** Of measuring the loss on all of them once. */
  readonly tokens: number;
  /** Times it is measured: of every row of the table, and `train.evalSteps` within each training. */
  readonly measurements: { readonly models: number; readonly whileTraining: number };
  /** Device hours of all measurements; null when the model's size is not in its name. */
  readonly hours: number | null;
}

/** What measuring the loss on held-out rows takes; null where the spec holds none out. @param steps of one training */
export function planHeldOut(spec: RunSpec, a: Assumptions, steps: number, known: KnownCounts): HeldOutCost | null {
  const {
    mix: { holdOut },
    train,
    synthesis,
    target,
  } = spec;
  if (holdOut === undefined) return null;
  const own = synthesis.respond.generators.includes(target.model) ? holdOut.replay : 0;
  const conversations = { replay: holdOut.replay, own, new: holdOut.new };
  const [replayTokens, newTokens] = [0, 1].map((share) => Math.min(train.maxLength, tokensOfExample(spec, a, share, known))) as [
    number,
    number,
  ];
  const tokens = Math.round((conversations.replay + own) * replayTokens + conversations.new * newTokens);
  const measurements = {
    models: variantsOf(spec).length,
    whileTraining: train.evalSteps === undefined ? 0 : trainedOf(spec) * Math.floor(steps / train.evalSteps),
  };
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  return {
    device,
    conversations,
    tokens,
    measurements,
    hours:
      parameters === null
        ? null
        : (2 * parameters * tokens * (measurements.models + measurements.whileTraining)) / deviceFlops(device, a) / 3600,
  };
}
