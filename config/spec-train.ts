import { z } from 'zod';
import { count, share } from './spec-fields';
import { fineTuningSchema } from './spec-fine-tuning';
import { DEFAULT_TRAINING_BACKEND, TRAINING_BACKENDS, TRAINING_BACKEND_NAMES } from './training-backends';

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

const osf = z
  .strictObject({
    effectiveRank: share
      .default(0.5)
      .describe("Part of each matrix' singular directions that is kept as it is, the leading ones; the others are trained."),
    targets: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Names of the layers of which that is done; without them, all linear layers but the output.'),
  })
  .describe('Orthogonal subspace fine-tuning (Nayak et al. 2025, by peft).');

const sdft = z
  .strictObject({
    generations: count.max(64).default(8).describe('Answers that are sampled for each question.'),
    maxTokens: count.max(32_768).default(256).describe('Tokens of a sampled answer.'),
    temperature: z.number().gt(0).max(2).default(1),
  })
  .describe('Self-distillation fine-tuning (Shenfeld et al. 2026, by TRL): the model that is shown an answer teaches the one that is not.');

const epochs = z.number().gt(0).max(100);
const learningRate = z.number().gt(0).max(1);

const distill = z
  .strictObject({
    learningRate: learningRate.optional().describe('Of the distillation; without it, that of the training before it.'),
    epochs: epochs.default(1).describe('Passes over the questions.'),
    maxSteps: count.optional().describe('Optimizer steps of the distillation, whatever its epochs.'),
    maxTokens: count.max(32_768).default(256).describe('Tokens of an answer.'),
    temperature: z.number().gt(0).max(2).default(1),
  })
  .describe(
    'On-policy distillation (by TRL): trained on the new data first; then it answers the questions of the replay set, and learns from the official model what that would have written.',
  );

/** How a model is trained. */
export const TRAINING_METHODS = ['full', 'lora', 'osf', 'sdft', 'distill'] as const;

const method = z
  .enum(TRAINING_METHODS)
  .describe(
    'full: all weights, as in the paper. lora: low-rank adapters (with lora alone, too). osf: orthogonal subspace fine-tuning. sdft: self-distillation from the answers of the mixture. distill: the new data, then distillation from the official model over the replay set’s questions.',
  );

const maxSteps = count.describe('Optimizer steps, whatever the epochs.');
const scheduler = z.enum(['constant', 'constant_with_warmup', 'linear', 'cosine']);
const warmupRatio = z.number().min(0).lt(1).describe('Part of the steps, below 1.');
const weightDecay = z.number().min(0);

/** `train` of a variant: what it does otherwise than the others. */
export const trainOverridesSchema = z
  .strictObject({
    method: method.optional(),
    learningRate: learningRate
      .optional()
      .describe('Without it, that of `train`; of another method than that of `train`, the rate that its authors use.'),
    epochs: epochs.optional(),
    maxSteps: maxSteps.optional(),
    gradientAccumulation: count.optional(),
    scheduler: scheduler.optional(),
    warmupRatio: warmupRatio.optional(),
    weightDecay: weightDecay.optional(),
    lora: lora.optional(),
    osf: osf.optional(),
    sdft: sdft.optional(),
    distill: distill.optional(),
  })
  .describe('What of `train` is otherwise for this row.');

export type TrainOverrides = z.output<typeof trainOverridesSchema>;

/** `train`: how every variant but the official model is trained. */
export const trainSchema = z
  .strictObject({
    backend: z
      .enum(TRAINING_BACKEND_NAMES)
      .default(DEFAULT_TRAINING_BACKEND)
      .describe(TRAINING_BACKEND_NAMES.map((name) => `${name}: ${TRAINING_BACKENDS[name].phrases.schema}`).join(' ')),
    openai: fineTuningSchema.optional(),
    method: method.optional(),
    learningRate: learningRate.default(1e-6).describe('Paper: 1e-6.'),
    epochs: epochs.default(1),
    maxSteps: maxSteps.optional(),
    perDeviceBatchSize: count.default(1),
    gradientAccumulation: count.default(8),
    maxLength: z.int().min(8).default(4096).describe('Tokens of one example, 8 or more; longer ones are cut and counted.'),
    packing: z.boolean().default(false),
    scheduler: scheduler.default('cosine'),
    warmupRatio: warmupRatio.default(0.03),
    weightDecay: weightDecay.default(0),
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
    reportTo: z
      .array(z.enum(['trackio', 'wandb', 'mlflow', 'tensorboard']))
      .min(1)
      .optional()
      .describe(
        'Trackers that the trainer reports to; their keys come from the environment of the gpu worker, where they have to be installed.',
      ),
    evalSteps: count.optional().describe('Measure the loss on what mix.holdOut holds out, every this many steps of the training.'),
    thoughts: z
      .enum(['drop', 'keep'])
      .optional()
      .describe(
        'What becomes of the thoughts that answers have (reasoning_content, or <think> before the answer): drop (the default) trains the answer alone, keep trains both where the chat template writes them.',
      ),
    threads: count.optional().describe('CPU threads; without it, PyTorch decides.'),
    lora: lora.optional(),
    osf: osf.optional(),
    sdft: sdft.optional(),
    distill: distill.optional(),
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
  .describe('SFT of the target model by any of the methods, loss on assistant tokens only.');
