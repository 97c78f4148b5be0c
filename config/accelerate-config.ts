import { parse } from 'yaml';
import { z } from 'zod';

/** Configurations of `accelerate launch` that the project ships in config/accelerate, and the memory of the devices they are for. */
export const ACCELERATE_PRESETS = {
  cpu: { deviceMemoryGB: null },
  'gpu-24gb': { deviceMemoryGB: 24 },
  'gpu-80gb': { deviceMemoryGB: 80 },
  'llama-3-70b-fsdp2': { deviceMemoryGB: 80 },
  'llama-3-70b-zero3': { deviceMemoryGB: 80 },
  'llama-3-70b-zero3-offload': { deviceMemoryGB: 80 },
} as const;

export type AcceleratePreset = keyof typeof ACCELERATE_PRESETS;

/** Whether `train.accelerate` names one of the shipped configurations, rather than a file. */
export function isAcceleratePreset(name: string): name is AcceleratePreset {
  return Object.hasOwn(ACCELERATE_PRESETS, name);
}

const whole = z.coerce.number().int().positive();
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** The part of accelerate's configuration that says where a model's memory goes; accelerate itself checks the rest. */
const configSchema = z.looseObject({
  distributed_type: z.enum(['NO', 'MULTI_CPU', 'MULTI_GPU', 'FSDP', 'DEEPSPEED']),
  num_processes: whole,
  num_machines: whole.default(1),
  use_cpu: flag.default(false),
  fsdp_config: z.looseObject({ fsdp_reshard_after_forward: flag.optional(), fsdp_offload_params: flag.default(false) }).optional(),
  deepspeed_config: z
    .looseObject({ zero_stage: z.coerce.number().int().min(0).max(3).optional(), offload_optimizer_device: z.string().default('none') })
    .optional(),
});

export interface AccelerateConfig {
  readonly processes: number;
  readonly machines: number;
  readonly cpu: boolean;
  readonly sharding: 'none' | 'fsdp' | 'zero3';
  readonly offloadOptimizer: boolean;
}

/**
 * Reads a configuration of accelerate.
 * @throws Error in one line that says what is missing or of another kind than expected
 */
export function parseAccelerateConfig(text: string): AccelerateConfig {
  const read = configSchema.safeParse(parse(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not a configuration of accelerate'}`);
  }
  const {
    distributed_type: type,
    num_processes: processes,
    num_machines: machines,
    use_cpu: cpu,
    fsdp_config: fsdp,
    deepspeed_config: deepspeed,
  } = read.data;
  if (processes % machines !== 0) {
    throw new Error(`num_processes: ${processes} processes cannot be shared out evenly over ${machines} machines`);
  }
  const zero3 = type === 'DEEPSPEED' && deepspeed?.zero_stage === 3;
  return {
    processes,
    machines,
    cpu,
    sharding: type === 'FSDP' ? 'fsdp' : zero3 ? 'zero3' : 'none',
    offloadOptimizer:
      (type === 'DEEPSPEED' && deepspeed?.offload_optimizer_device === 'cpu') || (type === 'FSDP' && fsdp?.fsdp_offload_params === true),
  };
}
