import { z } from 'zod';
import { TRUNCATED_RULES } from '../method/selection';
import { EVALUATION_BACKENDS } from './evaluation-backends';
import { PUBLIC_SET_NAMES } from './replay-sets';
import { DEFAULT_SCORING, SCORE_READINGS, SCORINGS, scoringsWith } from './score-readings';
import { fineTuningSchema } from './spec-fine-tuning';
import { qualitySchema } from './spec-quality';
import { DEFAULT_TRAINING_BACKEND, PROVIDER_BACKENDS, TRAINING_BACKENDS, TRAINING_BACKEND_NAMES } from './training-backends';
import { VARIANT_NAMES } from './variants';

/**
 * The run spec: one object that says everything about a run. YAML for people, JSON as the input of the
 * `experiment` workflow. Defaults are the paper's settings where the paper gives one.
 *
 * Workflows import only the types of this file: top-level zod schemas would be copied into each cached workflow.
 */

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of letters, digits, ".", "_" or "-", up to 64 long')
  .describe('A name that this spec gives.');

const envName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'expected the NAME of an environment variable (such as OPENAI_API_KEY), never a secret itself');

const count = z.int().positive();

const share = z.number().gt(0).lt(1);

/** Each stage has defaults of its own, also for the fields that a spec leaves out of a `sampling` that it gives. */
const samplingWith = (defaults: { temperature: number; maxTokens: number }) =>
  z
    .strictObject({
      temperature: z.number().min(0).max(2).default(defaults.temperature).describe('Sampling temperature, 0 to 2.'),
      topP: z.number().gt(0).max(1).default(1).describe('Nucleus sampling mass, above 0 up to 1.'),
      maxTokens: count.max(131_072).default(defaults.maxTokens).describe('Most tokens of one reply.'),
    })
    .describe('How replies are sampled.');

const sampling = samplingWith({ temperature: 1, maxTokens: 2048 });

const samplingOverrides = z
  .record(
    name,
    z.strictObject({
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().gt(0).max(1).optional(),
      maxTokens: count.max(131_072).optional(),
    }),
  )
  .default({})
  .describe('Sampling of single models, by their names under `models`; what is left out comes from `sampling`.');

const template = z
  .union([
    z.string().min(1),
    z.strictObject({
      preQuery: z.string().min(1).describe('What stands before the text of a user turn, special tokens included.'),
      stop: z.array(z.string().min(1)).default([]).describe('Strings that end a turn.'),
      bos: z.string().nullable().default(null).describe('Text of the BOS token, if the model has one.'),
    }),
  ])
  .describe('Chat format: a name (llama-3, llama-3-paper, chatml, …) or a literal pre-query template.');

/** Stands for the address of a model whose server the run brings itself. */
export const SERVED_URL = 'serve:';

const serve = z
  .strictObject({
    engine: z.enum(['vllm', 'transformers', 'llama.cpp']).describe('vllm; transformers for small models; llama.cpp for a GGUF file.'),
    weights: z.string().min(1).optional().describe('A directory, a hub id, or a GGUF file for llama.cpp. Without it, target.weights.'),
    revision: z.string().min(1).optional().describe('Hub revision of these weights.'),
    args: z.array(z.string()).max(100).default([]).describe("Further arguments of the server's command line."),
  })
  .describe('A gpu worker serves this model for as long as the synthesis needs it.');

const model = z
  .strictObject({
    baseURL: z
      .url({ protocol: /^(https?|serve)$/, error: 'expected an http(s) URL of an OpenAI-compatible API, such as http://127.0.0.1:8000/v1' })
      .default(SERVED_URL)
      .describe('Base URL of an OpenAI-compatible API, with its /v1. Left out where `serve` brings the server.'),
    model: z.string().min(1).describe('Model id that the endpoint knows.'),
    id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'What stands for this model in stage keys instead of baseURL and model. The same id means the same weights, wherever they are served.',
      ),
    serve: serve.optional(),
    apiKeyEnv: envName.optional().describe('Name of the environment variable that holds the API key.'),
    template: template.optional(),
    supportsN: z.boolean().default(true).describe('Whether one request may ask for several samples (`n`).'),
    licence: z.string().min(1).max(200).optional().describe('Terms of what the model writes, for the data set card.'),
    limits: z
      .strictObject({
        concurrency: count.max(10_000).default(32).describe('Most requests in flight at this endpoint.'),
        requestsPerMinute: count.optional(),
        tokensPerMinute: count.optional(),
        adaptive: z
          .boolean()
          .default(true)
          .describe(
            'Go below `concurrency` while latency shows that requests only queue at the endpoint. 429 and overload always lower it.',
          ),
        timeoutMs: z.int().min(1000).max(3_600_000).default(600_000).describe('Longest time of one request.'),
      })
      .prefault({})
      .describe('What the endpoint allows. Models that share baseURL and model share these limits.'),
    price: z
      .strictObject({
        inputUsdPerMillion: z.number().min(0),
        outputUsdPerMillion: z.number().min(0),
        trainingUsdPerMillion: z
          .number()
          .min(0)
          .optional()
          .describe(`Of trained tokens, where the endpoint fine-tunes the model (train.backend: ${PROVIDER_BACKENDS}).`),
      })
      .optional()
      .describe('Dollars per million tokens, for `rehearse plan`, the report, and a `budget` in dollars.'),
  })
  .describe('One model endpoint.');

const extract = z
  .strictObject({
    instructions: count.max(10_000_000).describe('How many instructions to extract. Paper: 100,000.'),
    sampling: sampling.prefault({}),
    stop: z.array(z.string().min(1)).default([]).describe('Stop strings besides those of the template.'),
    stopAtNewline: z
      .boolean()
      .default(false)
      .describe('End every instruction at its first line break, as Magpie does. It cuts instructions of several lines.'),
    maxAttempts: count.max(20).default(3).describe('Calls for one instruction before it is counted as lost.'),
    acceptTruncated: z.boolean().default(false).describe('Keep instructions that were cut at maxTokens.'),
  })
  .describe('Step 1: the bare pre-query template, sampled many times.');

const respond = z
  .strictObject({
    generators: z.array(name).min(1).describe('Models that answer. Paper: the target and two others.'),
    samples: count.max(64).default(3).describe('Responses of each generator to an instruction. Paper: 3.'),
    sampling: sampling.prefault({}),
    perModel: samplingOverrides,
    maxAttempts: count.max(20).default(3),
    acceptTruncated: z
      .boolean()
      .default(true)
      .describe('Keep responses that were cut at maxTokens; synthesis.select.truncated says whether one may win.'),
  })
  .describe('Step 2: several responses of each generator.');

const massReadings = scoringsWith(({ usesRatingMass }) => usesRatingMass);

const judge = z
  .strictObject({
    judges: z.array(name).min(1).describe('Models that score. Paper: the generators themselves.'),
    scoring: z
      .enum(SCORINGS)
      .default(DEFAULT_SCORING)
      .describe(SCORINGS.map((scoring) => `${scoring}: ${SCORE_READINGS[scoring].phrases.schema}`).join(' ')),
    sampling: samplingWith({ temperature: 0, maxTokens: 512 }).prefault({}),
    perModel: samplingOverrides,
    maxAttempts: count.max(20).default(3),
    minRatingMass: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe(`${massReadings.join(', ')} only: least probability that the five ratings must hold together.`),
  })
  .describe('Step 3: every judge scores every response with the Table 2 prompt.');

const select = z
  .strictObject({
    policy: z
      .enum(['complete', 'available'])
      .default('complete')
      .describe(
        'complete: an instruction is kept only when every judge scored every response. available: means over the scores there are.',
      ),
    minJudges: count.default(1).describe('available only: scores that a response needs.'),
    truncated: z
      .enum(TRUNCATED_RULES)
      .default('keep')
      .describe(
        'Responses that were cut at maxTokens. keep: they compete by their scores alone, as in the paper. last: one wins only where no whole one does. drop: none wins.',
      ),
  })
  .describe('Best mean score wins.');

const synthesis = z
  .strictObject({
    extract,
    quality: qualitySchema.optional(),
    respond,
    judge,
    select: select.prefault({}),
    shardSize: count.max(5_000).default(500).describe('Instructions of one shard, the unit of scheduling.'),
    concurrentShards: count.max(200).default(8).describe('Shards in work at once.'),
  })
  .describe('From the target model to the replay set.');

const mix = z
  .strictObject({
    newData: z
      .string()
      .min(1)
      .describe('JSONL file of the new SFT data: one {"messages": [{role, content}, …]} a line. Relative to the spec file.'),
    newShare: z.number().gt(0).lt(1).default(0.17).describe('Part of the mixture that is new data, by count. Paper: 0.17.'),
    maxExamples: count.optional().describe('Most examples of the mixture; without it, as many as both sides allow.'),
    holdOut: z
      .strictObject({
        replay: z.int().min(0).default(0).describe('Instructions of the replay set to keep back, with their answers.'),
        new: z.int().min(0).default(0).describe('Conversations of the new data to keep back.'),
      })
      .optional()
      .describe('Rows that no variant is trained on: the loss on them is measured.'),
  })
  .describe('Replay set and new data, mixed.');

const lora = z
  .strictObject({
    rank: count.max(1024).default(16),
    alpha: count.default(32).describe('The adapters count alpha / rank times.'),
    dropout: share.or(z.literal(0)).default(0),
    targets: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Names of the layers that get adapters; without them, all linear layers but the output.'),
    quantize: z.boolean().default(false).describe('QLoRA: the frozen weights in 4 bits (NF4). Needs a CUDA GPU.'),
  })
  .describe('Low-rank adapters instead of all weights, merged into the saved checkpoint.');

const train = z
  .strictObject({
    backend: z
      .enum(TRAINING_BACKEND_NAMES)
      .default(DEFAULT_TRAINING_BACKEND)
      .describe(TRAINING_BACKEND_NAMES.map((name) => `${name}: ${TRAINING_BACKENDS[name].phrases.schema}`).join(' ')),
    openai: fineTuningSchema.optional(),
    learningRate: z.number().gt(0).max(1).default(1e-6).describe('Paper: 1e-6.'),
    epochs: z.number().gt(0).max(100).default(1),
    maxSteps: count.optional().describe('Optimizer steps, whatever the epochs.'),
    perDeviceBatchSize: count.default(1),
    gradientAccumulation: count.default(8),
    maxLength: count.default(4096).describe('Tokens of one example; longer ones are cut and counted.'),
    packing: z.boolean().default(false),
    scheduler: z.enum(['constant', 'constant_with_warmup', 'linear', 'cosine']).default('cosine'),
    warmupRatio: z.number().min(0).max(1).default(0.03),
    weightDecay: z.number().min(0).default(0),
    dtype: z
      .enum(['float32', 'bfloat16'])
      .default('bfloat16')
      .describe('Compute type; weights stay float32, since 1e-6 is lost in bfloat16.'),
    gradientCheckpointing: z.boolean().default(true),
    saveSteps: count.default(100),
    keepCheckpoints: z
      .enum(['store', 'host'])
      .default('store')
      .describe(
        'store: where the store is a bucket, the newest checkpoint of a training that goes on is kept there too, for another machine to go on from. host: only on the disk of its machine.',
      ),
    loggingSteps: count.default(1),
    evalSteps: count.optional().describe('Take the loss on what mix.holdOut keeps back every this many steps, while training.'),
    threads: count.optional().describe('CPU threads; without it, PyTorch decides.'),
    lora: lora.optional(),
    accelerate: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Train under `accelerate launch`: cpu, gpu-24gb, gpu-80gb, llama-3-70b-fsdp2, llama-3-70b-zero3, llama-3-70b-zero3-offload, or a file of `accelerate config`.',
      ),
    deviceMemoryGB: z
      .number()
      .gt(0)
      .optional()
      .describe(
        'Memory of one device, against which `plan` and `start` check that the training fits. The presets of `accelerate` know theirs.',
      ),
  })
  .describe('SFT of the target model, full or of adapters, loss on assistant tokens only.');

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

const evaluate = z
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
    batchSize: count.default(8).describe('Requests at once: a batch of transformers, or concurrent requests to an API.'),
    dtype: z.enum(['float32', 'bfloat16']).default('bfloat16'),
    threads: count.optional(),
  })
  .describe("lm-evaluation-harness with the Open LLM Leaderboard's tasks.");

const files = z.array(z.string().min(1)).min(1).describe('JSONL or Parquet files, relative to the spec file.');

const conversationSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('messages'), column: z.string().min(1).default('messages') }),
    z.strictObject({ kind: z.literal('sharegpt'), column: z.string().min(1).default('conversations') }),
    z.strictObject({ kind: z.literal('alpaca') }),
  ])
  .describe('How a row holds its conversation: messages {role, content}, sharegpt {from, value}, or alpaca {instruction, input, output}.');

const hubRevision = z
  .string()
  .regex(/^[0-9A-Za-z._/-]{1,200}$/, 'expected a commit, tag or branch of the hub repository')
  .describe('Commit of the hub repository. Without one, the newest is taken and written down.');

const dataset = z
  .union([
    z.strictObject({
      set: z.enum(PUBLIC_SET_NAMES).describe('One of the eight public sets of the paper.'),
      revision: hubRevision.optional(),
      files: files.optional(),
    }),
    z.strictObject({
      hub: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'expected a data set id of the hub, ORGANISATION/NAME'),
      revision: hubRevision.optional(),
      config: z.string().min(1).optional(),
      splits: z.array(z.string().min(1)).default([]).describe('Splits to draw from; without them, all.'),
      schema: conversationSchema,
      licence: z.string().max(200).optional(),
    }),
    z.strictObject({ files, schema: conversationSchema, licence: z.string().max(200).optional() }),
  ])
  .describe('A data set of conversations: one of the eight (`set`), another of the hub (`hub`), or local files (`files`).');

const variant = z
  .union([
    z.enum(VARIANT_NAMES),
    z.strictObject({
      name: name.describe('Name of the row in the table.'),
      replay: z
        .union([z.enum(['method', 'first-response', 'target-best', 'none']), dataset])
        .describe("What is mixed with the new data: the method's replay set, an ablation, nothing, or a data set."),
      newShare: share.optional().describe('Instead of mix.newShare.'),
    }),
  ])
  .describe('One row of the table: a known name, or {name, replay}.');

export const runSpecSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Path of the JSON Schema, for editors.'),
    version: z.literal(1).describe('Version of this format.'),
    description: z.string().max(500).optional().describe('One line about the run, for the Web UI and the report.'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(42)
      .describe('Seeds everything that is drawn.'),
    budget: z
      .strictObject({
        usd: z.number().gt(0).optional().describe('Dollars, at the `price` of each model.'),
        tokens: count.optional().describe('Tokens, of prompts and replies together.'),
      })
      .optional()
      .describe(
        'Hard limit on what the model calls of the synthesis may cost; in dollars, on a training by a provider too. The run pauses before it would be exceeded.',
      ),
    models: z.record(name, model).describe('Every model endpoint, named once.'),
    target: z.strictObject({
      model: name.describe('Name under `models` that serves the target model.'),
      weights: z
        .string()
        .min(1)
        .optional()
        .describe(
          `Its weights for training: a directory, a hub id, or builtin:smollm2-135m-instruct. Needed unless train.backend is ${PROVIDER_BACKENDS}.`,
        ),
      revision: z.string().min(1).optional().describe('Hub revision of the weights; pin it.'),
    }),
    synthesis,
    mix,
    variants: z.array(variant).min(1).default(['official', 'method']).describe('What is trained and compared. All share one synthesis.'),
    sweep: z.strictObject({ newShare: z.array(share).min(1).describe('The method again, at other shares of new data.') }).optional(),
    train: train.prefault({}),
    evaluate: evaluate.prefault({}),
    report: z
      .strictObject({ examples: z.int().min(0).max(100).default(6).describe('Instructions shown with all their responses and scores.') })
      .prefault({}),
  })
  .describe('A Rehearse run.');

/** A validated run spec, defaults filled in. */
export type RunSpec = z.output<typeof runSpecSchema>;
/** What a user may write. */
export type RunSpecInput = z.input<typeof runSpecSchema>;
export type ModelSpec = RunSpec['models'][string];
/** Limits of a model that a running run may be given instead of its spec's; what is left out stays as it is there. */
export interface ModelLimits {
  readonly concurrency?: number;
  /** Null lifts the spec's limit. */
  readonly requestsPerMinute?: number | null;
  readonly tokensPerMinute?: number | null;
}
export type ServeSpec = NonNullable<ModelSpec['serve']>;
export type Sampling = RunSpec['synthesis']['extract']['sampling'];
export type EvaluateTask = RunSpec['evaluate']['tasks'][number];
