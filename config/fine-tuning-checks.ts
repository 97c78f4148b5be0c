import { nearestNames } from '../method/nearest-names';
import type { RunSpec } from './spec';
import { showValue, type Finding, type SpecWarning } from './spec-errors';
import { fineTuningOf } from './spec-fine-tuning';

/** Settings of `train` that only the local trainer reads, with their defaults; the rest is how the backend is chosen. */
type TrainSettings = RunSpec['train'];

/** What ties `train.backend` to the rest of the spec. */
export function fineTuningProblems(spec: RunSpec): Finding[] {
  const { train, models, target, mix, evaluate } = spec;
  const settings = fineTuningOf(spec);
  if (settings === undefined) {
    return [
      ...(train.openai === undefined
        ? []
        : [
            {
              at: ['train', 'openai'],
              value: 'settings',
              expected: 'nothing while train.backend is trl',
              hint: 'set train.backend: openai, or remove them',
            },
          ]),
      ...(target.weights !== undefined
        ? []
        : [
            {
              at: ['target', 'weights'],
              value: 'nothing',
              expected: 'the weights that are trained: a directory, a hub id, or builtin:smollm2-135m-instruct',
              hint: 'add them, or set train.backend: openai to have an endpoint fine-tune the model',
            },
          ]),
    ];
  }
  const model = models[settings.model];
  if (model === undefined) {
    const names = Object.keys(models);
    const near = nearestNames(settings.model, names, 1)[0];
    return train.openai?.model === undefined
      ? []
      : [
          {
            // target.model is told of by itself
            at: ['train', 'openai', 'model'],
            value: showValue(settings.model),
            expected: `a name under models (${names.join(', ')})`,
            hint: near === undefined ? `add ${JSON.stringify(settings.model)} under models` : `did you mean ${JSON.stringify(near)}?`,
          },
        ];
  }
  const findings: Finding[] = [];
  if (evaluate.backend !== 'openai') {
    findings.push({
      at: ['evaluate', 'backend'],
      value: showValue(evaluate.backend),
      expected: 'openai, since what a provider has trained can only be asked through its API',
      hint: 'set it, and name tasks that a chat API can do, such as ifeval and math_level_5',
    });
  }
  if (mix.holdOut !== undefined) {
    findings.push({
      at: ['mix', 'holdOut'],
      value: 'rows to keep back',
      expected: 'nothing with train.backend: openai, since a chat API does not tell the loss on a text',
      hint: 'remove it',
    });
  }
  if (model.apiKeyEnv === undefined && !isLocal(model.baseURL)) {
    findings.push({
      at: ['models', settings.model, 'apiKeyEnv'],
      value: 'nothing',
      expected: 'the name of the environment variable with the key that may fine-tune',
      hint: 'add it, such as OPENAI_API_KEY',
    });
  }
  if (settings.maxUsd !== undefined && model.price?.trainingUsdPerMillion === undefined) {
    findings.push({
      at: ['models', settings.model, 'price', 'trainingUsdPerMillion'],
      value: 'nothing',
      expected: 'the price of training, which train.openai.maxUsd is reckoned with',
      hint: 'add it, or remove maxUsd',
    });
  }
  return findings;
}

/** Settings that nothing reads with `train.backend: openai`. */
export function fineTuningWarnings(spec: RunSpec, localDefaults: TrainSettings): SpecWarning[] {
  const settings = fineTuningOf(spec);
  if (settings === undefined) return [];
  const { train, target, synthesis } = spec;
  const unread = (Object.keys(train) as (keyof TrainSettings)[]).filter(
    (key) => key !== 'backend' && key !== 'openai' && train[key] !== localDefaults[key],
  );
  return [
    ...unread.map((key): SpecWarning => ({
      path: `train.${key}`,
      message: 'it has no effect with train.backend: openai, whose settings are under train.openai.',
    })),
    ...(target.weights === undefined
      ? []
      : [{ path: 'target.weights', message: 'they are not read with train.backend: openai, which trains what the endpoint has.' }]),
    ...(synthesis.respond.generators.includes(settings.model)
      ? []
      : [
          {
            path: 'synthesis.respond.generators',
            message: `${settings.model}, which is fine-tuned, is not among them; in the paper the model answers too.`,
          },
        ]),
  ];
}

function isLocal(baseURL: string): boolean {
  return /^(127\.|localhost$|\[::1\]$)/.test(new URL(baseURL).hostname);
}
