import type { AccelerateConfig } from '../config/accelerate-config';
import type { RunSpec } from '../config/spec';
import type { SpecProblem } from '../config/spec-errors';
import { specOf, TUNING_NAMES, tuningOf } from '../config/training-method';
import { variantsOf } from '../config/variants';
import { trainingMemory, USABLE_SHARE, type ModelShape, type TrainingMemory, type TrainingShape } from './training-memory';

/** A machine of eight GPUs is what clouds rent. */
const DEVICES_A_MACHINE = 8;
const MOST_DEVICES = 512;

/** How a spec trains on the devices of an accelerate configuration. */
function trainingShape({ train }: RunSpec, config: AccelerateConfig): TrainingShape {
  const { lora } = train;
  return {
    tuning: tuningOf(train),
    rank: lora?.rank ?? 0,
    dtype: train.dtype,
    gradientCheckpointing: train.gradientCheckpointing,
    maxLength: train.maxLength,
    perDeviceBatchSize: train.perDeviceBatchSize,
    devices: config.processes,
    sharding: config.sharding,
    offloadOptimizer: config.offloadOptimizer,
  };
}

/**
 * What a training that cannot fit is refused with, undefined where it can. Where the model's sizes are unknown only weights,
 * gradients and optimizer state are counted, so that what is refused certainly does not fit.
 */
function trainingMisfit(spec: RunSpec, model: ModelShape, config: AccelerateConfig, deviceMemoryGB: number): SpecProblem | undefined {
  const shape = trainingShape(spec, config);
  const memory = trainingMemory(model, shape);
  const usable = deviceMemoryGB * 1e9 * USABLE_SHARE;
  if (memory.total <= usable) return undefined;
  const devices = shape.devices === 1 ? 'a device' : `each of ${shape.devices} devices`;
  return {
    path: 'train',
    value: `${tuningText(shape)} of ${(model.parameters / 1e9).toPrecision(3)}e9 parameters, which takes ${gigabytes(memory.total)} on ${devices} (${partsText(memory)})`,
    expected: `at most ${gigabytes(usable)}, ${Math.round(USABLE_SHARE * 100)} % of ${deviceMemoryGB} GB`,
    hint: wayOut(model, shape, usable),
  };
}

/** The trainings of a spec that cannot fit: what `train` says, and each row that trains otherwise. */
export function trainingMisfits(spec: RunSpec, model: ModelShape, config: AccelerateConfig, deviceMemoryGB: number): SpecProblem[] {
  const common = trainingMisfit(specOf(spec, {}), model, config, deviceMemoryGB);
  const own = variantsOf(spec).flatMap((variant): SpecProblem[] => {
    if (variant.train === undefined) return [];
    const misfit = trainingMisfit(specOf(spec, variant), model, config, deviceMemoryGB);
    return misfit === undefined ? [] : [{ ...misfit, path: `variants: ${variant.name}: train` }];
  });
  return [...(common === undefined ? [] : [common]), ...own];
}

function wayOut(model: ModelShape, shape: TrainingShape, usable: number): string {
  const fits = (changes: Partial<TrainingShape>): boolean => trainingMemory(model, { ...shape, ...changes }).total <= usable;
  if (!shape.gradientCheckpointing && fits({ gradientCheckpointing: true })) return 'set train.gradientCheckpointing to true';
  if (shape.perDeviceBatchSize > 1 && fits({ perDeviceBatchSize: 1 })) {
    return 'set train.perDeviceBatchSize to 1 and raise train.gradientAccumulation in turn';
  }
  const ways: string[] = [];
  const shorter = [1024, 2048, 4096, 8192].filter((maxLength) => maxLength < shape.maxLength && fits({ maxLength })).at(-1);
  if (shorter !== undefined) ways.push(`lower train.maxLength to ${shorter}`);
  const sharding = shape.sharding === 'none' ? 'fsdp' : shape.sharding;
  for (let devices = DEVICES_A_MACHINE; devices <= MOST_DEVICES; devices += DEVICES_A_MACHINE) {
    if (devices > shape.devices && fits({ devices, sharding })) {
      ways.push(`shard it over ${devices} such devices (train.accelerate with ${sharding === 'fsdp' ? 'FSDP' : 'ZeRO-3'})`);
      break;
    }
  }
  if (shape.tuning !== 'lora' && shape.tuning !== 'qlora' && fits({ tuning: 'lora', rank: 16 })) ways.push('train adapters (train.lora)');
  else if (shape.tuning !== 'qlora' && fits({ tuning: 'qlora', rank: shape.rank || 16 })) {
    ways.push('train adapters on 4-bit weights (train.lora.quantize)');
  }
  return ways.length === 0 ? 'use devices with more memory, or a smaller model' : ways.join(', or ');
}

function tuningText({ tuning }: TrainingShape): string {
  return tuning === 'full' ? 'full fine-tuning' : TUNING_NAMES[tuning];
}

function partsText(memory: TrainingMemory): string {
  return (['weights', 'gradients', 'optimizer', 'working', 'activations'] as const)
    .filter((part) => memory[part] >= 5e7)
    .map((part) => `${part} ${gigabytes(memory[part])}`)
    .join(', ');
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
