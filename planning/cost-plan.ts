import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import { trains } from '../config/until';
import { assumptionsWith, type AssumptionName, type Assumptions } from './cost-assumptions';
import { planEvaluation, type EvaluationCost } from './cost-evaluation';
import { planHeldOut, type HeldOutCost } from './cost-held-out';
import { type PlannedMixture, planExamples } from './cost-mixture';
import { type JudgesCost, costByJudges, synthesisWays, type SynthesisCost } from './cost-savings';
import { interpolatedOf, planOwnTrainings, planTraining, trainedOf, type OwnTraining, type TrainingCost } from './cost-training';
import type { KnownCounts } from './known-counts';
import { parametersOf, servingGpus } from './model-size';
import { answeredInstructions, servedByCpu, stageCosts, type StageCost } from './stage-costs';

/** All that one endpoint does. */
export interface EndpointCost {
  readonly baseURL: string;
  readonly model: string;
  readonly names: readonly string[];
  readonly hours: number;
  /** GPUs that serve it, by the size in its name; null when it is priced, on a CPU, or of unknown size. */
  readonly gpus: number | null;
}

export interface CostPlan {
  readonly stages: readonly StageCost[];
  readonly endpoints: readonly EndpointCost[];
  /** Model calls in the paper's sense: samples, judgments. */
  readonly calls: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly usd: {
    /** Of the priced models. */
    readonly expected: number;
    /** When every reply runs to its maxTokens, its room for thoughts included. */
    readonly atMost: number;
    readonly unpriced: readonly string[];
  };
  /** The synthesis in other ways; null where there are none. */
  readonly ways: readonly SynthesisCost[] | null;
  /** What early judging comes to with judges other than assumed; null where it is not known. */
  readonly byJudges: readonly JudgesCost[] | null;
  /** Wall time of synthesis: the busiest endpoint's, since shards overlap. */
  readonly synthesisHours: number;
  readonly servingGpuHours: number;
  /** Null where the spec has no filters. */
  readonly filter: { readonly extracted: number; readonly answered: number } | null;
  readonly mixture: PlannedMixture;
  readonly training: TrainingCost;
  /** Rows that are not trained as the others are, each by itself. */
  readonly ownTrainings: readonly OwnTraining[];
  /** Rows whose weights are made without a training. */
  readonly interpolated: readonly string[];
  readonly evaluation: EvaluationCost;
  /** Null where the spec holds no rows out. */
  readonly heldOut: HeldOutCost | null;
  readonly diskBytes: { readonly texts: number; readonly checkpoints: number };
  readonly assumptions: Assumptions;
}

/** What a run will take, before anything is spent. Pure arithmetic on the spec, what is known of its files, and assumptions. */
export function planCost(
  spec: RunSpec,
  overrides: Readonly<Partial<Record<AssumptionName, number>>> = {},
  known: KnownCounts = {},
): CostPlan {
  const assumptions = assumptionsWith(overrides);
  const stages = stageCosts(spec, assumptions);
  const longest = stageCosts(spec, {
    ...assumptions,
    filterKeptShare: 1,
    instructionTokens: Infinity,
    responseTokens: Infinity,
    justificationTokens: Infinity,
    thoughtShare: 1,
  });
  const endpoints = endpointCosts(spec, stages, assumptions);
  const sum = (of: (stage: StageCost) => number, list = stages): number => list.reduce((total, stage) => total + of(stage), 0);
  const mixture = planExamples(spec, assumptions, known);
  const training = planTraining(spec, assumptions, mixture, known);
  const interpolated = interpolatedOf(spec);
  const evaluation = planEvaluation(spec, assumptions, known.evaluationDocuments ?? {});
  const tokens = sum(({ promptTokens }) => promptTokens) + sum(({ completionTokens }) => completionTokens);
  return {
    stages,
    endpoints,
    calls: sum(({ calls }) => calls),
    requests: sum(({ requests }) => requests),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    completionTokens: sum(({ completionTokens }) => completionTokens),
    usd: {
      expected: sum(({ usd }) => usd ?? 0),
      atMost: sum(({ usd }) => usd ?? 0, longest),
      unpriced: [...new Set(stages.filter(({ usd }) => usd === null).map(({ model }) => model))],
    },
    ways: synthesisWays(spec, assumptions),
    byJudges: costByJudges(spec, assumptions),
    synthesisHours: Math.max(...endpoints.map(({ hours }) => hours)),
    servingGpuHours: endpoints.reduce((total, { hours, gpus }) => total + hours * (gpus ?? 0), 0),
    filter:
      activeQuality(spec) === undefined
        ? null
        : { extracted: spec.synthesis.extract.instructions, answered: answeredInstructions(spec, assumptions) },
    mixture,
    training,
    ownTrainings: planOwnTrainings(spec, assumptions, mixture, known),
    interpolated,
    evaluation,
    heldOut: !trains(spec) ? null : planHeldOut(spec, assumptions, training.steps, known),
    diskBytes: {
      texts: Math.round(tokens * assumptions.bytesPerToken + sum(({ requests }) => requests) * assumptions.bytesPerRequest),
      // The results of all trainings, and what one keeps while it goes on.
      checkpoints: Math.round(
        (training.parameters ?? 0) *
          (assumptions.checkpointsKept * assumptions.checkpointBytesPerParameter + 4 * (trainedOf(spec) + interpolated.length)),
      ),
    },
    assumptions,
  };
}

function endpointCosts(spec: RunSpec, stages: readonly StageCost[], a: Assumptions): EndpointCost[] {
  const groups = new Map<string, EndpointCost>();
  for (const { model: name, hours } of stages) {
    const model = modelOf(spec, name);
    const key = JSON.stringify([model.baseURL, model.model]);
    const before = groups.get(key);
    const parameters = parametersOf(model.model);
    const onGpu = model.price === undefined && !servedByCpu(spec, model) && parameters !== null;
    groups.set(key, {
      baseURL: model.baseURL,
      model: model.model,
      names: [...new Set([...(before?.names ?? []), name])],
      hours: (before?.hours ?? 0) + hours,
      gpus: onGpu ? servingGpus(parameters, a.gpuMemoryGB * 1e9) : null,
    });
  }
  return [...groups.values()];
}
