import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import type { Assumptions } from './cost-assumptions';
import { stageCosts, type StageCost } from './stage-costs';

/** What a spec's synthesis takes in one of its ways. */
export interface SynthesisCost {
  readonly way: 'as it is' | 'early judging' | 'batches' | 'both';
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
  const [full, early] = (['none', 'cannot-win'] as const).map((skip) =>
    stageCosts({ ...spec, synthesis: { ...spec.synthesis, judge: { ...spec.synthesis.judge, skip } } }, a),
  );
  const batched = Object.values(spec.models).some(({ price }) => price?.batchFactor !== undefined);
  if (full!.every(({ usd }) => usd === null) || (!batched && spec.synthesis.judge.judges.length < 3)) return null;
  return [
    sumOf('as it is', full!, spec),
    sumOf('early judging', early!, spec),
    sumOf(
      'batches',
      full!.map((stage) => inBatches(spec, stage, a)),
      spec,
    ),
    sumOf(
      'both',
      early!.map((stage) => inBatches(spec, stage, a)),
      spec,
    ),
  ];
}

function inBatches(spec: RunSpec, stage: StageCost, { batchHours }: Assumptions): StageCost {
  const factor = modelOf(spec, stage.model).price?.batchFactor;
  // Extraction sends raw completions, which no batch API takes.
  if (factor === undefined || stage.usd === null || stage.stage === 'extract') return stage;
  return { ...stage, usd: stage.usd * factor, hours: batchHours };
}

function sumOf(way: SynthesisCost['way'], stages: readonly StageCost[], spec: RunSpec): SynthesisCost {
  const hours = new Map<string, number>();
  for (const { model: name, hours: busy } of stages) {
    const { baseURL, model } = modelOf(spec, name);
    const endpoint = `${baseURL}\n${model}`;
    hours.set(endpoint, (hours.get(endpoint) ?? 0) + busy);
  }
  return {
    way,
    calls: Math.round(stages.reduce((sum, { calls }) => sum + calls, 0)),
    usd: stages.reduce((sum, { usd }) => sum + (usd ?? 0), 0),
    days: Math.max(...hours.values()) / 24,
  };
}
