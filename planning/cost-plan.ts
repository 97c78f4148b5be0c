import { modelOf } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import { SCORE_READINGS } from '../config/score-readings';
import type { ModelSpec, RunSpec } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import type { LeaderboardTask } from '../method/forgetting';
import { leastReplay, planMixture } from '../method/mixture';
import { assumptionsWith, type AssumptionName, type Assumptions } from './cost-assumptions';
import { planEvaluation, planHeldOut, planTraining, type EvaluationCost, type HeldOutCost, type TrainingCost } from './cost-training';
import { parametersOf, servingGpus } from './model-size';
import { usdOf } from './price';

/** What one model does in one stage. */
export interface StageCost {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly model: string;
  /** Samples that the method asks for, without repetitions. */
  readonly calls: number;
  /** HTTP requests, repetitions included. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Null when the model has no price. */
  readonly usd: number | null;
  /** Of its endpoint, when nothing else keeps it busy. */
  readonly hours: number;
}

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
    /** When every reply runs to its maxTokens. */
    readonly atMost: number;
    readonly unpriced: readonly string[];
  };
  /** Wall time of synthesis: the busiest endpoint's, since shards overlap. */
  readonly synthesisHours: number;
  readonly servingGpuHours: number;
  /** Null where the spec has no filters. */
  readonly filter: { readonly extracted: number; readonly answered: number } | null;
  readonly mixture: { readonly replay: number; readonly new: number; readonly total: number; readonly newKnown: boolean };
  readonly training: TrainingCost;
  readonly evaluation: EvaluationCost;
  /** Null where the spec keeps no rows back. */
  readonly heldOut: HeldOutCost | null;
  readonly diskBytes: { readonly texts: number; readonly checkpoints: number };
  readonly assumptions: Assumptions;
}

/** What is known of a spec's files; what is missing is assumed. */
export interface KnownCounts {
  /** Processes that train together, as a configuration of accelerate says. */
  readonly trainingProcesses?: number;
  readonly newExamples?: number;
  readonly newCharacters?: number;
  readonly evaluationDocuments?: Readonly<Partial<Record<LeaderboardTask, number>>>;
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
  });
  const endpoints = endpointCosts(spec, stages, assumptions);
  const sum = (of: (stage: StageCost) => number, list = stages): number => list.reduce((total, stage) => total + of(stage), 0);
  const mixture = planRows(spec, assumptions, known);
  const training = planTraining(spec, assumptions, mixture, known);
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
    synthesisHours: Math.max(...endpoints.map(({ hours }) => hours)),
    servingGpuHours: endpoints.reduce((total, { hours, gpus }) => total + hours * (gpus ?? 0), 0),
    filter:
      activeQuality(spec) === undefined
        ? null
        : { extracted: spec.synthesis.extract.instructions, answered: answeredInstructions(spec, assumptions) },
    mixture,
    training,
    evaluation,
    heldOut: planHeldOut(spec, assumptions, training.steps, known),
    diskBytes: {
      texts: Math.round(tokens * assumptions.bytesPerToken + sum(({ requests }) => requests) * assumptions.bytesPerRequest),
      // The results of all trainings, and what one keeps while it goes on.
      checkpoints: Math.round(
        (training.parameters ?? 0) * (assumptions.checkpointsKept * assumptions.checkpointBytesPerParameter + 4 * training.trainings),
      ),
    },
    assumptions,
  };
}

/** Instructions that are answered: those that the filters, if there are any, are assumed to keep. */
function answeredInstructions(spec: RunSpec, a: Assumptions): number {
  const { instructions } = spec.synthesis.extract;
  return activeQuality(spec) === undefined ? instructions : Math.round(instructions * a.filterKeptShare);
}

/** Extraction, then every generator, then every judge. */
export function stageCosts(spec: RunSpec, a: Assumptions): StageCost[] {
  const { extract, respond, judge } = spec.synthesis;
  const n = extract.instructions;
  const instruction = Math.min(a.instructionTokens, extract.sampling.maxTokens);
  const answered = answeredInstructions(spec, a);
  const responses = answered * respond.samples;

  const extraction = stageCost(spec, a, 'extract', spec.target.model, {
    calls: n,
    requests: n,
    promptPerRequest: a.preQueryTokens,
    freshPerRequest: a.preQueryTokens,
    completionPerCall: instruction,
  });
  const answers = respond.generators.map((name) => {
    const sampling = samplingFor(respond, name);
    const prompt = instruction + a.chatOverheadTokens;
    return stageCost(spec, a, 'respond', name, {
      // Samples of one request share its prompt.
      calls: responses,
      requests: modelOf(spec, name).supportsN ? answered : responses,
      promptPerRequest: prompt,
      freshPerRequest: prompt,
      completionPerCall: Math.min(a.responseTokens, sampling.maxTokens),
    });
  });
  const meanResponse = mean(respond.generators.map((name) => Math.min(a.responseTokens, samplingFor(respond, name).maxTokens)));
  const judgments = judge.judges.map((name) => {
    const sampling = samplingFor(judge, name);
    const justification = Math.min(a.justificationTokens, sampling.maxTokens);
    const fresh = instruction + meanResponse + a.chatOverheadTokens;
    const prompt = a.judgePromptTokens + fresh;
    const requests = SCORE_READINGS[judge.scoring].callsPerJudgment(modelOf(spec, name).template !== undefined);
    const calls = responses * respond.generators.length;
    return stageCost(spec, a, 'judge', name, {
      calls,
      requests: requests * calls,
      // All requests but the first extend the justification before them, by one token.
      promptPerRequest: prompt + (justification * (requests - 1)) / requests,
      freshPerRequest: (fresh + justification * (requests - 1)) / requests,
      completionPerCall: justification + requests - 1,
    });
  });
  return [extraction, ...answers, ...judgments];
}

interface Load {
  readonly calls: number;
  readonly requests: number;
  readonly promptPerRequest: number;
  /** Prompt tokens that a prefix cache does not have. */
  readonly freshPerRequest: number;
  readonly completionPerCall: number;
}

function stageCost(spec: RunSpec, a: Assumptions, stage: StageCost['stage'], name: string, load: Load): StageCost {
  const model = modelOf(spec, name);
  const again = 1 + a.retryShare;
  const requests = Math.round(load.requests * again);
  const promptTokens = Math.round(load.requests * load.promptPerRequest * again);
  const completionTokens = Math.round(load.calls * load.completionPerCall * again);
  const { price } = model;
  return {
    stage,
    model: name,
    calls: load.calls,
    requests,
    promptTokens,
    completionTokens,
    usd: price === undefined ? null : usdOf({ promptTokens, completionTokens }, price),
    hours:
      busySeconds(spec, model, a, {
        requests,
        promptTokens,
        completionTokens,
        fresh: load.requests * load.freshPerRequest * again,
        calls: load.calls * again,
      }) / 3600,
  };
}

interface Traffic {
  readonly requests: number;
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly fresh: number;
}

/** The tightest of what bounds an endpoint: requests in flight, its own limits, and what its hardware writes and reads. */
function busySeconds(spec: RunSpec, model: ModelSpec, a: Assumptions, traffic: Traffic): number {
  const { concurrency, requestsPerMinute, tokensPerMinute } = model.limits;
  const { requests, calls, completionTokens } = traffic;
  const secondsOfRequest = a.requestSeconds + completionTokens / Math.max(1, calls) / a.tokensPerSecondPerRequest;
  const bounds = [
    requestsPerMinute === undefined ? 0 : (requests / requestsPerMinute) * 60,
    tokensPerMinute === undefined ? 0 : ((traffic.promptTokens + completionTokens) / tokensPerMinute) * 60,
  ];
  if (servedByCpu(spec, model)) bounds.push(completionTokens / a.cpuTokensPerSecond + traffic.fresh / a.cpuPrefillTokensPerSecond);
  else {
    bounds.push((requests * secondsOfRequest) / concurrency);
    // A provider's hardware is its own business; its limits above say what it gives.
    if (model.price === undefined) {
      bounds.push(completionTokens / a.endpointTokensPerSecond + traffic.fresh / a.endpointPrefillTokensPerSecond);
    }
  }
  return Math.max(...bounds);
}

/** A spec that trains on CPU threads has its models on this machine too. */
function servedByCpu(spec: RunSpec, model: ModelSpec): boolean {
  return spec.train.threads !== undefined && /^(127\.|localhost$|\[::1\]$)/.test(new URL(model.baseURL).hostname);
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

/** Both sides of the mixture. Without the new data's count it is taken to be as much as the replay set has room for. */
function planRows(spec: RunSpec, a: Assumptions, known: KnownCounts): CostPlan['mixture'] {
  const { newShare, maxExamples, holdOut } = spec.mix;
  const replayAvailable = Math.max(leastReplay(newShare), Math.round(answeredInstructions(spec, a) * a.keptShare) - (holdOut?.replay ?? 0));
  const newKnown = known.newExamples !== undefined && known.newExamples > 0;
  const newAvailable = newKnown
    ? Math.max(1, known.newExamples - (holdOut?.new ?? 0))
    : Math.max(1, Math.round((replayAvailable * newShare) / (1 - newShare)));
  const plan = planMixture({ replayAvailable, newAvailable, newShare, limit: maxExamples, onShortage: 'shrink-new' });
  return { replay: plan.replayCount, new: plan.newCount, total: plan.total, newKnown };
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
