import { resolveTemplate } from '../method/templates';
import { isLeaderboardTask } from './evaluation-splits';
import { extractionStops, MOST_STOPS } from './extraction-stops';
import { endpointModels } from './models-in-use';
import { termsWarnings } from './provider-terms';
import { qualityWarnings } from './quality-checks';
import { samplingFor } from './sampling';
import { SCORE_READINGS } from './score-readings';
import { runSpecSchema, type RunSpec } from './spec';
import type { SpecWarning } from './spec-errors';
import { activeQuality } from './spec-quality';
import { trainingBackendWarnings } from './training-backend-checks';
import { providerTrainedModel, TRAINING_BACKENDS } from './training-backends';
import { looksLikePath } from './weights';

/** Above a hundred times the paper's rate, forgetting is the likely result. */
const HIGH_LEARNING_RATE = 1e-4;
/** A Temporal dev server starts some 20 child workflows a second; a history holds thousands, not tens of thousands. */
const MANY_SHARDS = 2000;

/** What is legal in a valid spec, but seldom meant. */
export function specWarnings(spec: RunSpec): SpecWarning[] {
  return [
    ...modelWarnings(spec),
    ...termsWarnings(spec),
    ...synthesisWarnings(spec),
    ...qualityWarnings(spec),
    ...trainingWarnings(spec),
    ...trainingBackendWarnings(spec, runSpecSchema.shape.train.parse({})),
  ];
}

function modelWarnings(spec: RunSpec): SpecWarning[] {
  const used = endpointModels(spec);
  return Object.entries(spec.models).flatMap(([name, model]): SpecWarning[] => {
    const warnings: SpecWarning[] = [];
    if (!used.includes(name)) warnings.push({ path: `models.${name}`, message: 'no stage uses this model.' });
    if (model.template !== undefined && model.tokenizer !== undefined) {
      warnings.push({ path: `models.${name}.tokenizer`, message: 'it is not read, since template says the format.' });
    }
    if (model.serve === undefined && /^\/?$/.test(new URL(model.baseURL).pathname)) {
      warnings.push({ path: `models.${name}.baseURL`, message: `${model.baseURL} has no path; most servers want /v1 at its end.` });
    }
    return warnings;
  });
}

function synthesisWarnings(spec: RunSpec): SpecWarning[] {
  const { extract, respond, judge, select, shardSize } = spec.synthesis;
  const warnings: SpecWarning[] = [];
  const template = spec.models[spec.target.model]?.template;
  const stops = extractionStops(extract);
  if (template !== undefined && stops.length > 0) {
    const dropped = resolveTemplate(template)
      .stop.filter((stop) => !stops.includes(stop))
      .slice(Math.max(0, MOST_STOPS - stops.length));
    if (dropped.length > 0) {
      warnings.push({
        path: 'synthesis.extract.stop',
        message: `the API takes four stop strings, so the template's ${dropped.join(' and ')} will not be sent.`,
      });
    }
  }
  if (respond.samples > 1) {
    for (const name of respond.generators) {
      if (samplingFor(respond, name).temperature === 0) {
        warnings.push({
          path: `synthesis.respond`,
          message: `${name} answers at temperature 0, so its ${respond.samples} samples will be the same text.`,
        });
      }
    }
  }
  for (const name of judge.judges) {
    const { maxTokens } = samplingFor(judge, name);
    if (maxTokens < SCORE_READINGS[judge.scoring].fewestReplyTokens) {
      warnings.push({
        path: 'synthesis.judge',
        message: `${name} may write ${maxTokens} tokens, too few for a justification and the line "Score: <rating>".`,
      });
    }
  }
  if (select.policy === 'complete' && select.minJudges > 1) {
    warnings.push({ path: 'synthesis.select.minJudges', message: 'it has no effect with policy: complete, which needs every score.' });
  }
  if (providerTrainedModel(spec) === undefined && !respond.generators.includes(spec.target.model)) {
    warnings.push({
      path: 'synthesis.respond.generators',
      message: `the target model ${spec.target.model} is not among them; in the paper it answers too.`,
    });
  }
  const shards = Math.ceil(extract.instructions / shardSize);
  if (shards > MANY_SHARDS) {
    warnings.push({
      path: 'synthesis.shardSize',
      message: `${shardSize} makes ${shards} shards, each a workflow of its own; some hundreds are better.`,
    });
  }
  return warnings;
}

function trainingWarnings(spec: RunSpec): SpecWarning[] {
  const { train, evaluate, mix, target } = spec;
  const warnings: SpecWarning[] = [];
  if (train.learningRate > HIGH_LEARNING_RATE) {
    warnings.push({ path: 'train.learningRate', message: `${train.learningRate} is far above the paper's 1e-6; expect forgetting.` });
  }
  if (mix.newShare > 0.5) {
    warnings.push({ path: 'mix.newShare', message: `${mix.newShare} makes new data the larger part; the paper uses 0.17.` });
  }
  if (TRAINING_BACKENDS[train.backend].settings === null && train.dtype === 'float32' && evaluate.dtype === 'bfloat16') {
    warnings.push({
      path: 'evaluate.dtype',
      message: 'weights are trained in float32 but measured in bfloat16, whose rounding may hide what a small learning rate changed.',
    });
  }
  if (activeQuality(spec)?.decontaminate !== undefined) {
    const others = evaluate.tasks.filter(({ task }) => !isLeaderboardTask(task)).map(({ task }) => task);
    if (others.length > 0) {
      warnings.push({
        path: 'synthesis.quality.decontaminate',
        message: `it knows the leaderboard's documents only, so those of ${others.join(', ')} are not kept out.`,
      });
    }
  }
  if (target.weights === undefined) return warnings;
  const hub = !looksLikePath(target.weights) && !target.weights.startsWith('builtin:');
  if (hub && target.revision === undefined) {
    warnings.push({
      path: 'target.revision',
      message: `the weights ${target.weights} are not pinned, so a later run may train others; set the commit of the repository.`,
    });
  }
  if (!hub && target.revision !== undefined) {
    warnings.push({ path: 'target.revision', message: 'it has no effect on weights that are not from the hub.' });
  }
  return warnings;
}
