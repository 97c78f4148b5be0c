import { modelOf, modelsInUse } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import type { RunSpec } from '../config/spec';
import { withRoom } from '../config/thinking';
import type { RunCosts } from '../contract/run';
import { addCosts, timesCost, type Cost } from '../method/cost';
import { JUDGE_PROMPT } from '../method/judge-prompt';
import { assumptionsWith } from './cost-assumptions';
import { costOf } from './price';
import { methodCosts, type StageCost } from './stage-costs';

/**
 * Tokens that a server may add to the texts of a request: role headers of each message; and once a request, a beginning of
 * the text, and the system prompt that some chat templates put in by themselves.
 */
export const OVERHEAD_TOKENS = { perMessage: 16, perRequest: 256 } as const;

/** The plan's arithmetic, an instruction at a time. */
export function runCosts(spec: RunSpec): RunCosts {
  const { extract, respond, judge } = spec.synthesis;
  // An instruction that the filters keep: what they drop costs nothing more.
  const stages = methodCosts(spec, assumptionsWith({ filterKeptShare: 1 }));
  const perInstruction = (stage: StageCost['stage'], model: string, parts = 1): Cost => {
    const cost = stages.find((each) => each.stage === stage && each.model === model);
    if (cost === undefined) throw new Error(`the plan has no ${stage} by "${model}"; a validated spec cannot come here`);
    const { usd, promptTokens, completionTokens } = cost;
    return timesCost({ usd: usd ?? 0, tokens: promptTokens + completionTokens }, 1 / (extract.instructions * parts));
  };
  const generators = respond.generators;
  return {
    extract: perInstruction('extract', spec.target.model),
    respond: Object.fromEntries(generators.map((name) => [name, perInstruction('respond', name)])),
    judge: Object.fromEntries(
      judge.judges.flatMap((name) =>
        generators.map((generator) => [`${name}/${generator}`, perInstruction('judge', name, generators.length)] as const),
      ),
    ),
    worstCall: Object.fromEntries(modelsInUse(spec).map((name) => [name, worstCall(spec, name)])),
  };
}

/** All model calls for one instruction. */
export function costOfInstruction({ extract, respond, judge }: RunCosts): Cost {
  return [extract, ...Object.values(respond), ...Object.values(judge)].reduce(addCosts);
}

/** The dearest of the calls that a model is asked for, with instructions and responses as long as they may be. */
function worstCall(spec: RunSpec, model: string): Cost {
  const { extract, respond, judge } = spec.synthesis;
  const { charactersPerToken } = assumptionsWith();
  const overhead = OVERHEAD_TOKENS.perMessage + OVERHEAD_TOKENS.perRequest;
  const calls: Cost[] = [];
  const add = (promptBytes: number, completionTokens: number): void => {
    calls.push(costOf({ promptTokens: promptBytes + overhead, completionTokens }, spec.models[model]?.price));
  };
  const instruction = extract.sampling.maxTokens * charactersPerToken;
  const response = Math.max(...respond.generators.map((name) => samplingFor(respond, name).maxTokens)) * charactersPerToken;
  if (model === spec.target.model) add(0, extract.sampling.maxTokens);
  if (respond.generators.includes(model)) {
    add(instruction, respond.samples * withRoom(samplingFor(respond, model), modelOf(spec, model)).maxTokens);
  }
  if (judge.judges.includes(model)) {
    const { maxTokens } = withRoom(samplingFor(judge, model), modelOf(spec, model));
    add(JUDGE_PROMPT.length + instruction + response + maxTokens * charactersPerToken, maxTokens);
  }
  return calls.reduce((worst, call) => ({ usd: Math.max(worst.usd, call.usd), tokens: Math.max(worst.tokens, call.tokens) }));
}
