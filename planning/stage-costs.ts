import { isBatched } from '../config/batch-apis';
import { earlyJudging, laterJudges, mayLeaveOut } from '../config/early-judging';
import { isLoopback } from '../config/loopback';
import { modelOf } from '../config/models-in-use';
import { extracts, ownAnswersRows, ownAnswersSpec, type OwnAnswersRow } from '../config/own-answers';
import { samplingFor } from '../config/sampling';
import { SCORE_READINGS } from '../config/score-readings';
import type { RunSpec, ModelSpec } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import { hasChatFormat } from '../config/template-places';
import { roomFor } from '../config/thinking';
import { PROSPECTS_SHOWN } from '../method/early-judging';
import type { Assumptions } from './cost-assumptions';
import { usdOf } from './price';

/** What one model does in one stage. */
export interface StageCost {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly model: string;
  /** Row whose own answers these calls are for; absent where they are the method's. */
  readonly own?: string;
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

/** Instructions that are answered: those that the filters, if there are any, are assumed to keep. */
export function answeredInstructions(spec: RunSpec, a: Assumptions): number {
  const { instructions } = spec.synthesis.extract;
  return activeQuality(spec) === undefined ? instructions : Math.round(instructions * a.filterKeptShare);
}

/** All that the models of a run do: for the method's replay set, where it is made, then for the target's own answers. */
export function stageCosts(spec: RunSpec, a: Assumptions): StageCost[] {
  return [...(extracts(spec) ? methodCosts(spec, a) : []), ...ownAnswersCosts(spec, a)];
}

/** Rows that ask the same share their answers. */
function ownAnswersCosts(spec: RunSpec, a: Assumptions): StageCost[] {
  const rows = new Map<string, OwnAnswersRow>();
  for (const row of ownAnswersRows(spec)) {
    const { pick, prompts } = row.own;
    const same = JSON.stringify([pick, prompts.source, prompts.schema]);
    if (!rows.has(same)) rows.set(same, row);
  }
  return [...rows.values()].flatMap(({ name, own }) =>
    methodCosts(ownAnswersSpec(spec, own), a).flatMap((cost) => (cost.stage === 'extract' ? [] : [{ ...cost, own: name }])),
  );
}

/** Extraction, then every generator, then every judge. */
export function methodCosts(spec: RunSpec, a: Assumptions): StageCost[] {
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
      completionPerCall: Math.min(a.responseTokens, sampling.maxTokens) + thoughts(spec, a, name),
    });
  });
  const meanResponse = mean(respond.generators.map((name) => Math.min(a.responseTokens, samplingFor(respond, name).maxTokens)));
  const judgments = judge.judges.map((name) => {
    const sampling = samplingFor(judge, name);
    const justification = Math.min(a.justificationTokens, sampling.maxTokens);
    const fresh = instruction + meanResponse + a.chatOverheadTokens;
    const prompt = a.judgePromptTokens + fresh;
    const requests = SCORE_READINGS[judge.scoring].callsPerJudgment(hasChatFormat(spec, name));
    const calls = responses * respond.generators.length * shownShare(spec, name, a);
    return stageCost(spec, a, 'judge', name, {
      calls,
      requests: requests * calls,
      // All requests but the first extend the justification before them, by one token.
      promptPerRequest: prompt + (justification * (requests - 1)) / requests,
      freshPerRequest: (fresh + justification * (requests - 1)) / requests,
      completionPerCall: justification + thoughts(spec, a, name) + requests - 1,
    });
  });
  return [extraction, ...answers, ...judgments];
}

/** Share of the responses that a judge is shown. */
function shownShare(spec: RunSpec, judge: string, a: Assumptions): number {
  const early = earlyJudging(spec);
  if (early === undefined || !mayLeaveOut(early.order, judge)) return 1;
  const share = early.inRounds === undefined ? a.shownShare : a.shownInRounds;
  return early.auditShare + (1 - early.auditShare) * share;
}

/** Tokens of thoughts before one reply of a model that is given room for them. */
function thoughts(spec: RunSpec, a: Assumptions, name: string): number {
  return roomFor(modelOf(spec, name)) * a.thoughtShare;
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
  const usage = { promptTokens, completionTokens, cachedPromptTokens: Math.round(promptTokens * Math.min(1, a.cachedShare)) };
  const isOrdered = isBatched(model) && stage !== 'extract'; // which is always live
  return {
    stage,
    model: name,
    calls: Math.round(load.calls),
    requests,
    promptTokens,
    completionTokens,
    usd: price === undefined ? null : usdOf({ ...usage, ...(isOrdered ? { inBatches: usage } : {}) }, price),
    hours: isOrdered
      ? batchHours(spec, stage, name, a)
      : busySeconds(spec, model, a, {
          requests,
          promptTokens,
          completionTokens,
          fresh: load.requests * load.freshPerRequest * again,
          calls: load.calls * again,
        }) / 3600,
  };
}

/**
 * How long a model's batches of one stage take. The shards that are in work at once order theirs at once; with early judging a later judge
 * is asked in rounds, or about one generator after the other.
 */
function batchHours(spec: RunSpec, stage: StageCost['stage'], name: string, a: Assumptions): number {
  const { extract, shardSize, concurrentShards, respond } = spec.synthesis;
  const rounds = Math.ceil(Math.ceil(extract.instructions / shardSize) / concurrentShards);
  const early = earlyJudging(spec);
  const isLater = stage === 'judge' && early !== undefined && laterJudges(early).includes(name);
  const inTurn = early?.inRounds === undefined ? respond.generators.length : PROSPECTS_SHOWN.length + 1;
  return rounds * (isLater ? inTurn : 1) * a.batchHours;
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
export function servedByCpu(spec: RunSpec, model: ModelSpec): boolean {
  return spec.train.threads !== undefined && isLoopback(model.baseURL);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
