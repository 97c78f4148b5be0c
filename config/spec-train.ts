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

/** `train`: how every variant but the official model is trained. */
export const trainSchema = z
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
    maxLength: z.int().min(8).default(4096).describe('Tokens of one example, 8 or more; longer ones are cut and counted.'),
    packing: z.boolean().default(false),
    scheduler: z.enum(['constant', 'constant_with_warmup', 'linear', 'cosine']).default('cosine'),
    warmupRatio: z.number().min(0).lt(1).default(0.03).describe('Part of the steps, below 1.'),
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
    evalSteps: count.optional().describe('Measure the loss on what mix.holdOut holds out, every this many steps of the training.'),
    thoughts: z
      .enum(['drop', 'keep'])
      .optional()
      .describe(
        'What becomes of the thoughts that answers have (reasoning_content, or <think> before the answer): drop (the default) trains the answer alone, keep trains both where the chat template writes them.',
      ),
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
