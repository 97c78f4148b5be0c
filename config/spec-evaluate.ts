import { z } from 'zod';
import { EVALUATION_BACKENDS } from './evaluation-backends';
import { count } from './spec-fields';

const localData = z.record(z.string(), z.string()).describe('Split name to local JSONL file, in the schema of the public dataset.');

const evaluateTask = z.strictObject({
  task: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected the name of a task of lm-evaluation-harness')
    .describe(
      "mmlu_pro, gpqa, ifeval, math_level_5 (the leaderboard's), or any other task or group of lm-evaluation-harness by its name there.",
    ),
  data: localData.optional(),
  limit: count.optional().describe('Evaluate only this many documents.'),
  numFewshot: z.int().min(0).max(20).optional().describe("Instead of the task's own number."),
  maxGenToks: count.optional().describe("Instead of the task's own length of generation."),
  metric: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe(
      "Of other tasks than the leaderboard's: what is reported, a share from 0 to 1. Without it acc_norm, or the first that the task names.",
    ),
  randomBaseline: z.number().min(0).lt(1).optional().describe("Of other tasks than the leaderboard's: what guessing scores, 0 without it."),
});

/** `evaluate`: what all variants are measured by. */
export const evaluateSchema = z
  .strictObject({
    tasks: z
      .array(evaluateTask)
      .min(1)
      .default([{ task: 'mmlu_pro' }, { task: 'gpqa' }, { task: 'ifeval' }, { task: 'math_level_5' }]),
    backend: z
      .enum(EVALUATION_BACKENDS)
      .default('transformers')
      .describe('What runs the model: transformers or vllm on a gpu worker, or the OpenAI-compatible API that serves it.'),
    vllm: z
      .strictObject({
        tensorParallel: count.default(1).describe('GPUs that share the model.'),
        gpuMemoryUtilization: z.number().gt(0).max(1).default(0.9).describe("Part of each GPU's memory that vLLM takes."),
        maxModelLen: count.optional().describe("Longest prompt and reply in tokens; without it, the model's own."),
      })
      .prefault({}),
    openai: z
      .strictObject({
        api: z
          .enum(['completions', 'chat'])
          .default('chat')
          .describe('chat writes texts only. completions, with logprobs of an echoed prompt, does multiple choice too.'),
      })
      .prefault({}),
    thinking: z
      .strictObject({
        mode: z.enum(['off', 'on']),
        endToken: z
          .string()
          .min(1)
          .max(100)
          .optional()
          .describe('What the model writes behind its thoughts, where its chat template does not tell.'),
      })
      .optional()
      .describe(
        'Whether the model may think before it answers. Without it thoughts are off, by the switch of its chat template; a model that has none is refused. on takes tasks in which it writes, each with maxGenToks.',
      ),
    batchSize: count.default(8).describe('Requests at once: a batch of transformers, or concurrent requests to an API.'),
    dtype: z.enum(['float32', 'bfloat16']).default('bfloat16'),
    threads: count.optional(),
  })
  .describe("lm-evaluation-harness with the Open LLM Leaderboard's tasks.");
