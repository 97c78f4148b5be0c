import { batchApiOf, isBatched } from './batch-apis';
import type { ModelSpec, RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { SERVED_URL } from './spec-models';
import { isAnthropic, LEAST_ANTHROPIC_BUDGET } from './thinking';
import { looksLikePath } from './weights';

/** Addresses of models that cannot be right, limits that contradict each other, and servers that lack something. */
export function endpointProblems(spec: RunSpec): Finding[] {
  const findings: Finding[] = [];
  const firstAt = new Map<string, string>();
  for (const [name, model] of Object.entries(spec.models)) {
    const at = ['models', name, 'baseURL'];
    findings.push(...serveProblems(spec, name), ...thinkingProblems(model, name), ...batchProblems(spec, name));
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
        hint: 'write what follows the path under request.query',
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

/** Models whose batches no provider takes. */
function batchProblems(spec: RunSpec, name: string): Finding[] {
  const model = spec.models[name]!;
  if (!isBatched(model)) return [];
  const at = ['models', name];
  if (model.serve !== undefined) {
    return [
      {
        at: [...at, 'mode'],
        value: showValue('batch'),
        expected: 'live for a model that the run serves itself',
        hint: 'remove mode: batch',
      },
    ];
  }
  if (batchApiOf(model) !== 'anthropic') return [];
  const findings: Finding[] = [];
  if (model.supportsN && spec.synthesis.respond.samples > 1 && spec.synthesis.respond.generators.includes(name)) {
    findings.push({
      at: [...at, 'supportsN'],
      value: showValue(true),
      expected: "false: Anthropic's API gives one answer a request",
      hint: 'set supportsN: false',
    });
  }
  if (spec.synthesis.judge.scoring === 'expected' && spec.synthesis.judge.judges.includes(name)) {
    findings.push({
      at: ['synthesis', 'judge', 'scoring'],
      value: showValue('expected'),
      expected: `text, since the judge ${name} is at Anthropic's API, which gives no logprobs`,
      hint: 'set scoring: text, or take another judge',
    });
  }
  return findings;
}

/** Thoughts that are turned off and on in one breath, or that a provider does not take as they are said. */
function thinkingProblems(model: ModelSpec, name: string): Finding[] {
  const { mode, effort, maxTokens } = model.thinking ?? {};
  const at = ['models', name, 'thinking'];
  if (mode === 'off' && (effort !== undefined || maxTokens !== undefined)) {
    const field = effort === undefined ? 'maxTokens' : 'effort';
    return [
      {
        at: [...at, field],
        value: showValue(effort ?? maxTokens),
        expected: 'nothing beside mode: off',
        hint: `remove it, or set mode: on`,
      },
    ];
  }
  if (mode === 'on' && maxTokens !== undefined && maxTokens < LEAST_ANTHROPIC_BUDGET && isAnthropic(model)) {
    return [
      {
        at: [...at, 'maxTokens'],
        value: showValue(maxTokens),
        expected: `at least ${LEAST_ANTHROPIC_BUDGET} at this API`,
        hint: 'raise it',
      },
    ];
  }
  return [];
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
