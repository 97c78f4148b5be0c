import { isLoopback } from './loopback';
import { knownName } from './model-name-checks';
import type { RunSpec } from './spec';
import { showValue, type Finding, type SpecWarning } from './spec-errors';
import { PROVIDER_BACKENDS, providerTrainedModel, TRAINING_BACKEND_NAMES, TRAINING_BACKENDS, trainingTraits } from './training-backends';

/** What ties `train.backend` to the rest of the spec. */
export function trainingBackendProblems(spec: RunSpec): Finding[] {
  const trained = providerTrainedModel(spec);
  return [...settingsOfOthers(spec), ...(trained === undefined ? weightsProblems(spec) : providerProblems(spec, trained))];
}

/** Settings of backends that the spec does not train with. */
function settingsOfOthers({ train }: RunSpec): Finding[] {
  return TRAINING_BACKEND_NAMES.flatMap((name): Finding[] => {
    const { settings } = TRAINING_BACKENDS[name];
    if (name === train.backend || settings === null || train[settings] === undefined) return [];
    return [
      {
        at: ['train', settings],
        value: 'settings',
        expected: `nothing while train.backend is ${train.backend}`,
        hint: `set train.backend: ${name}, or remove them`,
      },
    ];
  });
}

function weightsProblems({ target }: RunSpec): Finding[] {
  if (target.weights !== undefined) return [];
  return [
    {
      at: ['target', 'weights'],
      value: 'nothing',
      expected: 'the weights that are trained: a directory, a hub id, or builtin:smollm2-135m-instruct',
      hint: `add them, or set train.backend: ${PROVIDER_BACKENDS} to have an endpoint fine-tune the model`,
    },
  ];
}

/** What a training by the provider of an endpoint needs, and what it rules out. */
function providerProblems(spec: RunSpec, trained: string): Finding[] {
  const { train, models, mix, evaluate } = spec;
  const { settings, evaluation, noHeldOutLoss } = trainingTraits(spec);
  const own = settings === null ? undefined : train[settings];
  const model = models[trained];
  if (model === undefined) {
    if (settings === null || own?.model === undefined) return []; // target.model is told of by itself
    return knownName(trained, Object.keys(models), ['train', settings, 'model']);
  }
  const findings: Finding[] = [];
  if (!evaluation.by.includes(evaluate.backend)) {
    findings.push({
      at: ['evaluate', 'backend'],
      value: showValue(evaluate.backend),
      expected: `${evaluation.by.join(' or ')}, since ${evaluation.since(trained)}`,
      hint: evaluation.hint,
    });
  }
  if (mix.holdOut !== undefined && noHeldOutLoss !== null) {
    findings.push({
      at: ['mix', 'holdOut'],
      value: 'rows to hold out',
      expected: `nothing with train.backend: ${train.backend}, since ${noHeldOutLoss}`,
      hint: 'remove it',
    });
  }
  if (model.apiKeyEnv === undefined && !isLoopback(model.baseURL)) {
    findings.push({
      at: ['models', trained, 'apiKeyEnv'],
      value: 'nothing',
      expected: 'the name of the environment variable with the key that may fine-tune',
      hint: 'add it, such as OPENAI_API_KEY',
    });
  }
  for (const part of ['query', 'headersEnv'] as const) {
    if (Object.keys(model.request?.[part] ?? {}).length === 0) continue;
    findings.push({
      at: ['models', trained, 'request', part],
      value: showValue(model.request?.[part]),
      expected: `nothing with train.backend: ${train.backend}, whose requests have none`,
      hint: 'use the address of the provider that takes a key alone (Azure: …/openai/v1), with apiKeyEnv',
    });
  }
  if (own?.maxUsd !== undefined && model.price?.trainingUsdPerMillion === undefined) {
    findings.push({
      at: ['models', trained, 'price', 'trainingUsdPerMillion'],
      value: 'nothing',
      expected: `the price of training, which train.${settings}.maxUsd is reckoned with`,
      hint: 'add it, or remove maxUsd',
    });
  }
  return findings;
}

/**
 * Settings that nothing reads with the spec's backend.
 * @param defaults `train` of a spec that says nothing of it
 */
export function trainingBackendWarnings(spec: RunSpec, defaults: RunSpec['train']): SpecWarning[] {
  const { train, target, synthesis } = spec;
  const { settings } = trainingTraits(spec);
  const trained = providerTrainedModel(spec);
  const unread =
    settings === null
      ? []
      : (Object.keys(train) as (keyof RunSpec['train'])[]).filter(
          (key) => key !== 'backend' && key !== settings && train[key] !== defaults[key],
        );
  const warnings = unread.map((key): SpecWarning => ({
    path: `train.${key}`,
    message: `it has no effect with train.backend: ${train.backend}, whose settings are under train.${settings}.`,
  }));
  if (trained === undefined) return warnings;
  if (target.weights !== undefined) {
    warnings.push({
      path: 'target.weights',
      message: `they are not read with train.backend: ${train.backend}, which trains what the endpoint has.`,
    });
  }
  if (!synthesis.respond.generators.includes(trained)) {
    warnings.push({
      path: 'synthesis.respond.generators',
      message: `${trained}, which is fine-tuned, is not among them; in the paper the model answers too.`,
    });
  }
  return warnings;
}
