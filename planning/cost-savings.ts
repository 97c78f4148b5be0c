import { isBatched } from '../config/batch-apis';
import { earlyJudging } from '../config/early-judging';
import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import type { Assumptions } from './cost-assumptions';
import { SHOWN_BY_JUDGES } from './simulated-shares';
import { stageCosts, type StageCost } from './stage-costs';

/** What a spec's synthesis takes in one of its ways. */
export interface SynthesisCost {
  readonly way: 'in full, live' | 'early judging' | 'batches' | 'both';
  /** This is how the spec has it. */
  readonly isSpec: boolean;
  readonly calls: number;
  /** Of the priced models. */
  readonly usd: number;
  readonly days: number;
}

/**
 * The same synthesis judged in full and early, with live calls and by the batch APIs of those models whose price says what that
 * takes. Null where neither changes anything: no model has a price, or fewer than three judges and no price of batches.
 */
export function synthesisWays(spec: RunSpec, a: Assumptions): SynthesisCost[] | null {
  const hasBatches = Object.values(spec.models).some(({ price }) => price?.batchFactor !== undefined);
  const full = wayOf(spec, a, { way: 'in full, live', skip: 'none', mode: 'live' });
  if (full === undefined || (!hasBatches && spec.synthesis.judge.judges.length < 3)) return null;
  return [
    full,
    wayOf(spec, a, { way: 'early judging', skip: 'cannot-win', mode: 'live' })!,
    wayOf(spec, a, { way: 'batches', skip: 'none', mode: 'batch' })!,
    wayOf(spec, a, { way: 'both', skip: 'cannot-win', mode: 'batch' })!,
  ];
}

/** What early judging comes to with judges like these. */
export interface JudgesCost {
  /** Of the scores of two judges. */
  readonly correlation: number;
  /** Part of their scores that is a 5. */
  readonly fives: number;
  /** Part of the responses that the last judge is shown, of instructions that are not audited. */
  readonly shown: number;
  /** Of the priced models. */
  readonly usd: number;
  /** With the batch APIs of those models that have a price of it. */
  readonly usdInBatches: number;
}

/** How the dollars of early judging move with what the judges are like, which nobody knows before they have judged. Null for judges other than three, which were not simulated. */
export function costByJudges(spec: RunSpec, a: Assumptions): JudgesCost[] | null {
  if (spec.synthesis.judge.judges.length !== 3 || synthesisWays(spec, a) === null) return null;
  return SHOWN_BY_JUDGES.map(({ correlation, fives, generators, prospects }) => {
    const assumed = { ...a, shownShare: generators, shownInRounds: prospects };
    const usdOf = (mode: Way['mode']): number => wayOf(spec, assumed, { way: 'early judging', skip: 'cannot-win', mode })!.usd;
    return {
      correlation,
      fives,
      shown: roundsOf(spec) === 'prospects' ? prospects : generators,
      usd: usdOf('live'),
      usdInBatches: usdOf('batch'),
    };
  });
}

/** How the later judges are asked: as the spec has it; where it does not judge early, as it would cost least. */
function roundsOf({ synthesis: { judge } }: RunSpec): RunSpec['synthesis']['judge']['rounds'] {
  return judge.skip === 'none' ? 'prospects' : judge.rounds;
}

interface Way extends Pick<SynthesisCost, 'way'> {
  readonly skip: RunSpec['synthesis']['judge']['skip'];
  readonly mode: 'live' | 'batch';
}

/** Undefined where no model has a price. */
function wayOf(spec: RunSpec, a: Assumptions, { way, skip, mode }: Way): SynthesisCost | undefined {
  const { synthesis } = spec;
  const models = Object.fromEntries(
    Object.entries(spec.models).map(([name, model]) => [name, { ...model, mode: model.price?.batchFactor === undefined ? 'live' : mode }]),
  ) as RunSpec['models'];
  const changed = { ...spec, models, synthesis: { ...synthesis, judge: { ...synthesis.judge, skip, rounds: roundsOf(spec) } } };
  const stages = stageCosts(changed, a);
  if (stages.every(({ usd }) => usd === null)) return undefined;
  const isSpec =
    (earlyJudging(spec) === undefined) === (earlyJudging(changed) === undefined) &&
    Object.entries(spec.models).every(([name, model]) => isBatched(model) === isBatched(models[name]!));
  return { way, isSpec, ...sumOf(stages, spec) };
}

function sumOf(stages: readonly StageCost[], spec: RunSpec): Pick<SynthesisCost, 'calls' | 'usd' | 'days'> {
  const hours = new Map<string, number>();
  for (const { model: name, hours: busy } of stages) {
    const { baseURL, model } = modelOf(spec, name);
    const endpoint = `${baseURL}\n${model}`;
    hours.set(endpoint, (hours.get(endpoint) ?? 0) + busy);
  }
  return {
    calls: Math.round(stages.reduce((sum, { calls }) => sum + calls, 0)),
    usd: stages.reduce((sum, { usd }) => sum + (usd ?? 0), 0),
    days: Math.max(...hours.values()) / 24,
  };
}
