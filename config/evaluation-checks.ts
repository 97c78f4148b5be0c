import { unreachable } from '../method/never';
import { isMultipleChoice } from './evaluation-splits';
import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { trainingTraits } from './training-backends';
import { variantsOf } from './variants';

/** What the backend of the evaluation cannot do. */
export function evaluationBackendProblems(spec: RunSpec): Finding[] {
  const { backend } = spec.evaluate;
  switch (backend) {
    case 'transformers':
    case 'vllm':
      return [];
    case 'openai':
      return apiProblems(spec);
    default:
      return unreachable(backend);
  }
}

/** What an OpenAI-compatible API cannot evaluate. */
function apiProblems(spec: RunSpec): Finding[] {
  const {
    backend,
    openai: { api },
    tasks,
  } = spec.evaluate;
  const { readsWeights, evaluation } = trainingTraits(spec);
  const trained = variantsOf(spec)
    .filter(({ replay }) => replay !== null)
    .map(({ name }) => name);
  const choosing = tasks.map(({ task }) => task).filter(isMultipleChoice); // which a chat API does not tell
  return [
    ...(api === 'chat' && choosing.length > 0
      ? [
          {
            at: ['evaluate', 'openai', 'api'],
            value: showValue(api),
            expected: `"completions" for ${choosing.join(' and ')}, which compare the probabilities of given answers`,
            hint: 'use it where the server has it (with echo and logprobs), or leave those tasks out',
          },
        ]
      : []),
    ...(api === 'completions' && spec.target.weights === undefined
      ? [
          {
            at: ['target', 'weights'],
            value: 'nothing',
            expected: 'the weights whose tokenizer counts what evaluate.openai.api: completions is asked',
            hint: 'add them, or use chat',
          },
        ]
      : []),
    ...(readsWeights && trained.length > 0 && !evaluation.by.includes(backend)
      ? [
          {
            at: ['evaluate', 'backend'],
            value: showValue(backend),
            expected: `${evaluation.by.join(' or ')}, since ${evaluation.since(trained.join(' and '))}`,
            hint: evaluation.hint,
          },
        ]
      : []),
  ];
}
