import { fineTuningOf, weightsOf } from '../config/fine-tuning';
import { modelOf } from '../config/models-in-use';
import type { ModelSpec } from '../config/spec';
import type { EvaluatedModel } from '../contract/run';
import type { EvaluateJobSpec } from '../services/python/job-specs';
import { CHECKPOINT_FOLDER, fetchFiles } from '../services/store/stage-files';
import { detailOf } from '../services/store/stored-output';
import { modelIdentity } from '../stages/model-identity';
import { type RunPlan } from '../stages/run-plan';
import { sha256 } from '../stages/sha256';
import { trainStage } from '../stages/train';
import type { ActivityDeps } from './deps';

/** Which model, of which variant. */
export interface WeightsOf {
  readonly plan: RunPlan;
  readonly variant: string;
  readonly model: EvaluatedModel;
}

/** The keys that a Python job needs to load an evaluated model: a trained one is fetched to this machine, each file as it was stored. */
export async function evaluatedWeights(
  deps: ActivityDeps,
  { plan, variant, model }: WeightsOf,
): Promise<Pick<EvaluateJobSpec, 'weights' | 'revision' | 'contentSha256' | 'hashes'>> {
  const { stages } = deps;
  const { target } = plan.spec;
  const known = { contentSha256: model.sha256, hashes: hashesFile(deps) };
  if (variant === 'official') {
    const { path } = await deps.weights.resolve(weightsOf(plan.spec), target.revision);
    return { weights: path, revision: model.revision ?? target.revision ?? null, ...known };
  }
  const training = trainStage.at(plan, variant);
  const { manifest } = await stages.input(training);
  return { weights: await fetchFiles(deps, stages.folder(training.address), CHECKPOINT_FOLDER, manifest), revision: null, ...known };
}

/** The keys that a Python job needs to ask an evaluated model: where it lies, or who serves it. */
export async function evaluatedModel(
  deps: ActivityDeps,
  of: WeightsOf,
): Promise<Pick<EvaluateJobSpec, 'weights' | 'revision' | 'contentSha256' | 'hashes' | 'backend' | 'vllm' | 'endpoint'>> {
  const {
    evaluate: { backend, vllm, openai },
    target,
  } = of.plan.spec;
  if (backend !== 'openai') {
    const { maxModelLen = null, ...rest } = vllm;
    return { ...(await evaluatedWeights(deps, of)), backend, ...(backend === 'vllm' ? { vllm: { ...rest, maxModelLen } } : {}) };
  }
  const { baseURL, model, apiKeyEnv = null } = await servedModel(deps, of.plan, of.variant);
  const chat = openai.api === 'chat';
  // Of the weights only the tokenizer is read, to count tokens; a chat API counts its own.
  const weights = chat ? null : (await deps.weights.resolve(weightsOf(of.plan.spec), target.revision)).path;
  return { weights, revision: target.revision ?? null, contentSha256: of.model.sha256, endpoint: { baseURL, model, apiKeyEnv, chat } };
}

/** What stands for a model behind an API, whose weights nobody sees. */
export async function servedIdentity(deps: ActivityDeps, plan: RunPlan, variant: string): Promise<string> {
  return sha256(modelIdentity(await servedModel(deps, plan, variant)));
}

/** The model that the API is asked for: the target, or what the provider has trained of it. */
async function servedModel({ stages }: ActivityDeps, plan: RunPlan, variant: string): Promise<ModelSpec> {
  const { spec } = plan;
  const tuning = fineTuningOf(spec);
  const base = modelOf(spec, tuning?.model ?? spec.target.model);
  if (variant === 'official') return base;
  const { id: _id, ...endpoint } = base; // the name stands for the base model
  const training = detailOf(await stages.input(trainStage.at(plan, variant)));
  if (training.kind !== 'fine-tuning') {
    throw new Error(`the variant "${variant}" was not trained by its endpoint; a validated spec cannot come here`);
  }
  return { ...endpoint, model: training.model };
}

/** Hashes of files of this machine, by what the files looked like. */
export function hashesFile({ workspace }: Pick<ActivityDeps, 'workspace'>): string {
  return workspace.path('weights/hashes.json');
}
