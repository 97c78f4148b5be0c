/** Values of `evaluate.backend`: what runs the model that is evaluated. */
export const EVALUATION_BACKENDS = ['transformers', 'vllm', 'openai'] as const;

export type EvaluationBackend = (typeof EVALUATION_BACKENDS)[number];
