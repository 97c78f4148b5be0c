import { leastReplay } from '../method/mixture';
import { nearestNames } from '../method/nearest-names';
import { templateNames, resolveTemplate } from '../method/templates';
import { budgetProblems } from './budget-checks';
import { evaluationBackendProblems } from './evaluation-checks';
import { evaluationProblems } from './evaluation-splits';
import { extractionStops } from './extraction-stops';
import { holdOutProblems } from './hold-out-checks';
import { qualityProblems } from './quality-checks';
import { samplingFor } from './sampling';
import { SCORE_READINGS, scoringsWith } from './score-readings';
import { type ModelSpec, type RunSpec } from './spec';
import { looksLikeSecret, showValue, type Finding } from './spec-errors';
import { SERVED_URL } from './spec-models';
import { suggestTemplate } from './suggest-template';
import { trainingBackendProblems } from './training-backend-checks';
import { variantProblems } from './variant-checks';

/** What ties the parts of a spec together, and what no single value shows. Empty when all is well. */
export function crossCheckSpec(spec: RunSpec): Finding[] {
  return [
    ...nameProblems(spec),
    ...templateProblems(spec),
    ...endpointProblems(spec),
    ...samplingProblems(spec),
    ...selectionProblems(spec),
    ...qualityProblems(spec),
    ...trainingProblems(spec),
    ...holdOutProblems(spec),
    ...trainingBackendProblems(spec),
    ...variantProblems(spec),
    ...budgetProblems(spec),
    ...evaluationProblems(spec.evaluate.tasks),
    ...evaluationBackendProblems(spec),
    ...secretProblems(spec, []),
  ];
}

function nameProblems(spec: RunSpec): Finding[] {
  const { respond, judge } = spec.synthesis;
  const models = Object.keys(spec.models);
  if (models.length === 0) {
    return [{ at: ['models'], value: 'an empty mapping', expected: 'at least one model endpoint', hint: 'add one with baseURL and model' }];
  }
  return [
    ...knownName(spec.target.model, models, ['target', 'model']),
    ...listOfNames(respond.generators, models, ['synthesis', 'respond', 'generators']),
    ...listOfNames(judge.judges, models, ['synthesis', 'judge', 'judges']),
    ...overrideNames(respond.perModel, respond.generators, ['synthesis', 'respond']),
    ...overrideNames(judge.perModel, judge.judges, ['synthesis', 'judge']),
  ];
}

function listOfNames(names: readonly string[], models: readonly string[], at: readonly PropertyKey[]): Finding[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (first === index) return knownName(name, models, [...at, index]);
    return [
      {
        at: [...at, index],
        value: `${showValue(name)} a second time`,
        expected: 'each model once',
        hint: 'remove it, or give another deployment another name under models',
      },
    ];
  });
}

function knownName(name: string, models: readonly string[], at: readonly PropertyKey[]): Finding[] {
  if (models.includes(name)) return [];
  const near = nearestNames(name, models, 1)[0];
  return [
    {
      at,
      value: showValue(name),
      expected: `a name under models (${listed(models)})`,
      hint: near === undefined ? `add ${JSON.stringify(name)} under models` : `did you mean ${JSON.stringify(near)}?`,
    },
  ];
}

function overrideNames(perModel: Readonly<Record<string, unknown>>, used: readonly string[], at: readonly PropertyKey[]): Finding[] {
  const list = at.at(-1) === 'respond' ? 'generators' : 'judges';
  return Object.keys(perModel)
    .filter((name) => !used.includes(name))
    .map((name) => {
      const near = nearestNames(name, used, 1)[0];
      return {
        at: [...at, 'perModel', name],
        value: `sampling for ${showValue(name)}`,
        expected: `one of the ${list} (${listed(used)})`,
        hint: near === undefined ? `remove it or add it to ${list}` : `did you mean ${JSON.stringify(near)}?`,
      };
    });
}

function templateProblems(spec: RunSpec): Finding[] {
  const { judge } = spec.synthesis;
  const findings: Finding[] = [];
  for (const [name, model] of Object.entries(spec.models)) {
    const at = ['models', name, 'template'];
    const extracts = name === spec.target.model;
    // Without a template such a judge is asked through the chat API; with one its raw prompt is rendered.
    const isRead = SCORE_READINGS[judge.scoring].readsProbabilities && judge.judges.includes(name);
    if (model.template === undefined) {
      if (extracts) {
        findings.push({
          at,
          value: 'nothing',
          expected: 'the chat format of the target model, which extraction sends bare',
          hint: `add one, such as ${suggestTemplate(model)}`,
        });
      }
      continue;
    }
    const literal = typeof model.template !== 'string';
    const unknown = unresolvable(model.template);
    if (unknown !== undefined) findings.push({ at, ...unknown });
    else if (literal && isRead) {
      findings.push({
        at,
        value: 'a literal template',
        expected: `a named one for a judge whose probabilities are read (scoring: ${judge.scoring})`,
        hint: `name one of ${templateNames().join(', ')}, or use scoring: ${scoringsWith(({ readsProbabilities }) => !readsProbabilities).join(' or ')}`,
      });
    }
  }
  return findings;
}

function unresolvable(template: NonNullable<ModelSpec['template']>): Omit<Finding, 'at'> | undefined {
  try {
    resolveTemplate(template);
    return undefined;
  } catch (error) {
    if (typeof template !== 'string') {
      return { value: showValue(template), expected: 'a usable template', hint: error instanceof Error ? error.message : String(error) };
    }
    const near = nearestNames(template, templateNames(), 1)[0];
    return {
      value: showValue(template),
      expected: 'the name of a chat format, or {preQuery, stop}',
      hint: near === undefined ? `known are ${templateNames().join(', ')}` : `did you mean ${JSON.stringify(near)}?`,
    };
  }
}

function endpointProblems(spec: RunSpec): Finding[] {
  const findings: Finding[] = [];
  const firstAt = new Map<string, string>();
  for (const [name, model] of Object.entries(spec.models)) {
    const at = ['models', name, 'baseURL'];
    findings.push(...serveProblems(spec, name));
    const url = new URL(model.baseURL);
    if (url.username !== '' || url.password !== '') {
      findings.push({
        at,
        value: 'a URL with a user name or password in it',
        expected: 'a URL without secrets',
        hint: 'put the key into an environment variable and its name under apiKeyEnv',
      });
    }
    const tail = /\/(chat\/completions|completions|models|responses)\/?$/.exec(url.pathname);
    if (tail !== null) {
      findings.push({
        at,
        value: showValue(model.baseURL),
        expected: 'the base URL of the API',
        hint: `remove "/${tail[1]}" from its end`,
      });
    }
    if (url.search !== '' || url.hash !== '') {
      findings.push({
        at,
        value: showValue(`${url.origin}${url.pathname}?…`),
        expected: 'a base URL without a query',
        hint: 'remove what follows the path',
      });
    }
    const endpoint = JSON.stringify([model.baseURL, model.model]);
    const other = firstAt.get(endpoint);
    if (other === undefined) firstAt.set(endpoint, name);
    else if (JSON.stringify(spec.models[other]!.limits) !== JSON.stringify(model.limits)) {
      findings.push({
        at: ['models', name, 'limits'],
        value: 'other limits',
        expected: `those of ${other}, which has the same baseURL and model and so shares them`,
        hint: 'make the two alike',
      });
    }
  }
  return findings;
}

function serveProblems(spec: RunSpec, name: string): Finding[] {
  const { serve, baseURL } = spec.models[name]!;
  const at = ['models', name];
  if (serve === undefined) {
    return /^https?:/.test(baseURL)
      ? []
      : [
          {
            at: [...at, 'baseURL'],
            value: 'nothing',
            expected: 'an http(s) URL of an OpenAI-compatible API, such as http://127.0.0.1:8000/v1',
            hint: 'add it, or `serve` to have a gpu worker serve the model',
          },
        ];
  }
  const findings: Finding[] = [];
  if (baseURL !== SERVED_URL) {
    findings.push({
      at: [...at, 'baseURL'],
      value: showValue(baseURL),
      expected: 'nothing beside serve, whose server gets an address of its own',
      hint: 'remove one of the two',
    });
  }
  if (serve.weights === undefined && (name !== spec.target.model || spec.target.weights === undefined)) {
    findings.push({
      at: [...at, 'serve', 'weights'],
      value: 'nothing',
      expected: 'the weights to serve: a directory, a hub id, or a GGUF file for llama.cpp',
      hint: 'add them',
    });
  }
  const weights = serve.weights ?? spec.target.weights;
  if (serve.engine !== 'vllm' && weights !== undefined && !looksLikePath(weights) && !weights.startsWith('builtin:')) {
    findings.push({
      at: [...at, 'serve', 'engine'],
      value: showValue(serve.engine),
      expected: `vllm for weights on the hub (${weights})`,
      hint: 'use vllm, or name a local copy that begins with "./" or "/"',
    });
  }
  return findings;
}

/** The OpenAI API's limit on `stop`. */
const MOST_STOPS = 4;

function samplingProblems(spec: RunSpec): Finding[] {
  const { extract, respond, judge } = spec.synthesis;
  const findings: Finding[] = [];
  if (extract.sampling.temperature === 0 && extract.instructions > 1) {
    findings.push({
      at: ['synthesis', 'extract', 'sampling', 'temperature'],
      value: '0',
      expected: 'a temperature above 0',
      hint: 'every instruction would be the same text; use 1',
    });
  }
  const stops = extractionStops(extract);
  if (stops.length > MOST_STOPS) {
    findings.push({
      at: ['synthesis', 'extract', 'stop'],
      value: `a list of ${stops.length}${extract.stopAtNewline ? ' with the line break' : ''}`,
      expected: `at most ${MOST_STOPS} stop strings, the API's limit`,
      hint: 'remove some',
    });
  }
  const longest = new Map<string, number>();
  const note = (name: string, tokens: number): void => void longest.set(name, Math.max(longest.get(name) ?? 0, tokens));
  note(spec.target.model, extract.sampling.maxTokens);
  respond.generators.forEach((name) => note(name, samplingFor(respond, name).maxTokens));
  judge.judges.forEach((name) => note(name, samplingFor(judge, name).maxTokens));
  for (const [name, { limits }] of Object.entries(spec.models)) {
    const tokens = longest.get(name) ?? 0;
    const perMinute = limits.tokensPerMinute;
    if (perMinute !== undefined && perMinute < tokens) {
      findings.push({
        at: ['models', name, 'limits', 'tokensPerMinute'],
        value: String(perMinute),
        expected: `at least ${tokens}, the longest reply that the spec asks of it`,
        hint: 'raise it, or lower maxTokens',
      });
    }
  }
  return findings;
}

function selectionProblems(spec: RunSpec): Finding[] {
  const { judge, select } = spec.synthesis;
  if (select.minJudges <= judge.judges.length) return [];
  return [
    {
      at: ['synthesis', 'select', 'minJudges'],
      value: String(select.minJudges),
      expected: `at most ${judge.judges.length}, the number of judges`,
      hint: 'lower it or add judges',
    },
  ];
}

/** Full SFT above this rate destroys a tuned model in a few steps; the paper uses 1e-6. */
const HIGHEST_LEARNING_RATE = 1e-3;

function trainingProblems(spec: RunSpec): Finding[] {
  const { train, mix, target } = spec;
  const findings: Finding[] = [];
  if (train.learningRate > HIGHEST_LEARNING_RATE && train.lora === undefined) {
    findings.push({
      at: ['train', 'learningRate'],
      value: String(train.learningRate),
      expected: `at most ${HIGHEST_LEARNING_RATE} for full SFT`,
      hint: 'the paper uses 0.000001 (1e-6)',
    });
  }
  if (train.lora?.quantize === true && (train.threads !== undefined || train.accelerate === 'cpu')) {
    findings.push({
      at: ['train', 'lora', 'quantize'],
      value: 'true for a training on a CPU',
      expected: 'a GPU: QLoRA keeps its frozen weights in 4 bits, for which it needs CUDA',
      hint: 'set it to false for LoRA, or train on a GPU (without train.threads)',
    });
  }
  if (train.evalSteps !== undefined && mix.holdOut === undefined) {
    findings.push({
      at: ['train', 'evalSteps'],
      value: String(train.evalSteps),
      expected: 'rows to take the loss on',
      hint: 'keep some back with mix.holdOut',
    });
  }
  if (mix.maxExamples !== undefined) {
    const added = Math.round(mix.maxExamples * mix.newShare);
    if (added < 1 || added >= mix.maxExamples) {
      findings.push({
        at: ['mix', 'maxExamples'],
        value: String(mix.maxExamples),
        expected: `enough examples for both sides of a newShare of ${mix.newShare}`,
        hint: `use at least ${Math.ceil(Math.max(0.5 / mix.newShare, 0.5 / (1 - mix.newShare)) + 1)}`,
      });
    }
  }
  const least = leastReplay(mix.newShare);
  const { instructions } = spec.synthesis.extract;
  if (instructions < least) {
    findings.push({
      at: ['synthesis', 'extract', 'instructions'],
      value: String(instructions),
      expected: `at least ${least}, so that a newShare of ${mix.newShare} has room for one new example`,
      hint: 'extract more, or raise mix.newShare',
    });
  }
  const weights = target.weights === undefined ? undefined : weightsProblem(target.weights);
  if (weights !== undefined) findings.push({ at: ['target', 'weights'], ...weights });
  return findings;
}

/** Weights that come with the project's own set-up. */
export const BUILTIN_WEIGHTS = ['builtin:smollm2-135m-instruct'] as const;

function weightsProblem(weights: string): Omit<Finding, 'at'> | undefined {
  if (weights.startsWith('builtin:')) {
    if ((BUILTIN_WEIGHTS as readonly string[]).includes(weights)) return undefined;
    return { value: showValue(weights), expected: BUILTIN_WEIGHTS.join(' or '), hint: 'for other weights give a directory or a hub id' };
  }
  if (looksLikePath(weights) || /^[\w.-]+(\/[\w.-]+)?$/.test(weights)) return undefined;
  const hint = weights.startsWith('~')
    ? '"~" is not expanded here; write the folder out'
    : 'begin a directory with "./", "../" or "/"; write a hub id as ORGANISATION/MODEL';
  return { value: showValue(weights), expected: `a directory, a hub id or ${BUILTIN_WEIGHTS[0]}`, hint };
}

/** Whether weights are a directory rather than a hub id: they begin with `/`, `./` or `../`. */
export function looksLikePath(weights: string): boolean {
  return /^(\/|\.\.?(\/|$))/.test(weights);
}

/** Secrets anywhere in the spec: it is stored, shown in the Web UI and printed. */
function secretProblems(value: unknown, at: readonly PropertyKey[]): Finding[] {
  if (typeof value === 'string') {
    if (!looksLikeSecret(value)) return [];
    return [
      {
        at,
        value: showValue(value),
        expected: 'no secret in a spec',
        hint: "put it into an environment variable and the variable's name under apiKeyEnv, and revoke it if others have seen this file",
      },
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => secretProblems(item, [...at, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => secretProblems(item, [...at, key]));
}

function listed(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;
}
