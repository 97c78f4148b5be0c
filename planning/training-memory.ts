import type { Tuning } from '../config/training-method';

/** What decides the memory of a decoder: its parameters, and where known its sizes. */
export interface ModelShape {
  readonly parameters: number;
  /** Null where only the number of parameters is known: activations are then left out of the sum. */
  readonly sizes: {
    readonly hidden: number;
    readonly layers: number;
    readonly vocabulary: number;
    readonly intermediate: number;
    /** Width of all queries together, and of all keys (or values) together. */
    readonly queries: number;
    readonly keys: number;
    /** One matrix for the embedding and the output. */
    readonly tied: boolean;
  } | null;
}

/** How a model is trained, as far as memory goes. */
export interface TrainingShape {
  readonly tuning: Tuning;
  /** Rank of the adapters; 0 where there are none. */
  readonly rank: number;
  readonly dtype: 'float32' | 'bfloat16';
  readonly gradientCheckpointing: boolean;
  readonly maxLength: number;
  readonly perDeviceBatchSize: number;
  readonly devices: number;
  /** Whole on every device, in parts over them (FSDP, full shard), or in parts with bfloat16 weights (DeepSpeed ZeRO-3). */
  readonly sharding: 'none' | 'fsdp' | 'zero3';
  /** Optimizer state in host memory. */
  readonly offloadOptimizer: boolean;
}

/** Bytes on one device, by what they are for, and of host memory of all machines together. */
export interface TrainingMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** Copies in another type, and layers gathered whole while they are computed. */
  readonly working: number;
  readonly activations: number;
  readonly total: number;
  readonly host: number;
}

/** Part of a device's memory that training may fill; the rest is CUDA's context, buffers of the network and fragmentation. */
export const USABLE_SHARE = 0.92;

/** NF4: half a byte, an 8-bit scale for 64 weights, and a float32 for 256 scales. */
const NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256);

/** The float32 weights, their trained factors, and the factors as they were: about a weight's number each, whatever the rank kept. */
const OSF_BYTES = 12;

/** Of self-distillation and distillation: the float32 weights, and as they were: the teacher. */
const TAUGHT_BYTES = 8;

/** Methods that train all weights; the others train adapters. */
const WHOLE: Readonly<Record<Tuning, boolean>> = { full: true, osf: true, sdft: true, distill: true, lora: false, qlora: false };

/** DeepSpeed's own estimate of host memory for an offloaded optimizer: master weights, moments, gradients and buffers. */
const OFFLOADED_BYTES = 18;

/**
 * Memory of one training step with AdamW, in bytes, by plain arithmetic (docs/training.md goes through it):
 * weights + gradients + two moments, divided by the devices where they are sharded; what is held twice; activations after
 * Korthikanti et al. 2022 (34 bytes a token and hidden unit of a layer in 16 bits, attention not materialised); logits, their
 * float32 copy and its gradient.
 */
export function trainingMemory(model: ModelShape, training: TrainingShape): TrainingMemory {
  const { parameters, sizes } = model;
  const { tuning, dtype, devices, sharding, offloadOptimizer } = training;
  const width = dtype === 'bfloat16' ? 2 : 4;
  const parts = sharding === 'none' ? 1 : devices;
  const trained = WHOLE[tuning] ? parameters : adapterParameters(model, training.rank);

  let weights: number;
  if (tuning === 'full') weights = parameters * (sharding === 'zero3' ? width : 4);
  else if (tuning === 'osf') weights = parameters * OSF_BYTES;
  else if (tuning === 'sdft' || tuning === 'distill') weights = parameters * TAUGHT_BYTES;
  else {
    const embedded = sizes === null ? 0 : embeddedParameters(sizes);
    const frozen = tuning === 'qlora' ? (parameters - embedded) * NF4_BYTES + embedded * width : parameters * width;
    weights = frozen + trained * 4;
  }
  const gradients = trained * (sharding === 'zero3' ? width : 4);
  // ZeRO-3 keeps float32 master weights, and gradients in float32 for the step, beside the two moments.
  const state = trained * (sharding === 'zero3' && width === 2 ? 14 : 8);
  const working = workingBytes(model, training, width, trained);
  const activations = activationBytes(model, training, width);
  const onDevice = {
    weights: weights / parts,
    gradients: gradients / parts,
    optimizer: offloadOptimizer ? 0 : state / parts,
    working,
    activations,
  };
  const total = Object.values(onDevice).reduce((sum, bytes) => sum + bytes, 0);
  return { ...onDevice, total, host: offloadOptimizer ? trained * OFFLOADED_BYTES : 0 };
}

/** Parameters of LoRA on every linear layer but the output's: rank x (in + out) each. */
export function adapterParameters({ parameters, sizes }: ModelShape, rank: number): number {
  // About what it is for Llama-like shapes; it is small either way.
  if (sizes === null) return rank * 2e-4 * parameters;
  const { hidden, layers, intermediate, queries, keys } = sizes;
  const attention = 2 * (hidden + queries) + 2 * (hidden + keys);
  return rank * layers * (attention + 3 * (hidden + intermediate));
}

function embeddedParameters(sizes: NonNullable<ModelShape['sizes']>): number {
  return sizes.vocabulary * sizes.hidden * (sizes.tied ? 1 : 2);
}

function workingBytes(
  { parameters, sizes }: ModelShape,
  { tuning, sharding, devices }: TrainingShape,
  width: number,
  trained: number,
): number {
  if (sharding === 'none') {
    // Autocast keeps a bfloat16 copy of float32 weights; several whole copies exchange gradients through buckets.
    return (WHOLE[tuning] && width === 2 ? parameters * 2 : 0) + (devices > 1 ? trained * 4 : 0);
  }
  if (sizes === null) return 0;
  // Gathered at once: the embedding and output with their gradient, two layers, and one layer's gradient.
  const embedded = embeddedParameters(sizes);
  const layer = (parameters - embedded) / sizes.layers;
  return width * (2 * embedded + 3 * layer);
}

function activationBytes(
  { sizes }: ModelShape,
  { gradientCheckpointing, maxLength, perDeviceBatchSize }: TrainingShape,
  width: number,
): number {
  if (sizes === null) return 0;
  const tokens = maxLength * perDeviceBatchSize;
  const within = 17 * width * tokens * sizes.hidden; // of one layer
  const between = width * tokens * sizes.hidden;
  const layers = gradientCheckpointing ? sizes.layers * between + within : sizes.layers * within;
  return layers + tokens * sizes.vocabulary * (width + 4 + 4);
}
