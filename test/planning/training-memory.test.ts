import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCELERATE_PRESETS, parseAccelerateConfig, type AcceleratePreset } from '../../config/accelerate-config';
import { parseSpec } from '../../config/load-spec';
import type { RunSpecInput } from '../../config/spec';
import { trainingMisfits } from '../../planning/training-fit';
import { adapterParameters, trainingMemory, USABLE_SHARE, type ModelShape, type TrainingShape } from '../../planning/training-memory';
import { loadSpecFile } from '../../services/runs/spec-files';
import { validSpec } from '../config/valid-spec';

const FOLDER = join(__dirname, '..', '..', 'config', 'accelerate');

/** From the published config.json files. */
const LLAMA_3_70B: ModelShape = {
  parameters: 70_553_706_496,
  sizes: { hidden: 8192, layers: 80, vocabulary: 128_256, intermediate: 28_672, queries: 8192, keys: 1024, tied: false },
};
const QWEN_7B: ModelShape = {
  parameters: 7_615_616_512,
  sizes: { hidden: 3584, layers: 28, vocabulary: 152_064, intermediate: 18_944, queries: 3584, keys: 512, tied: false },
};

const ONE: TrainingShape = {
  tuning: 'full',
  rank: 0,
  dtype: 'bfloat16',
  gradientCheckpointing: true,
  maxLength: 4096,
  perDeviceBatchSize: 1,
  devices: 1,
  sharding: 'none',
  offloadOptimizer: false,
};

const gigabytes = (bytes: number): number => bytes / 1e9;

const preset = (name: AcceleratePreset) => parseAccelerateConfig(readFileSync(join(FOLDER, `${name}.yaml`), 'utf8'));

describe('memory of training, against sums done by hand', () => {
  test('OSF keeps the weights, their factors and the factors as they were, and trains as many numbers as full SFT', () => {
    const model: ModelShape = { parameters: 1e9, sizes: null };
    const [full, osf, sdft, distill] = (['full', 'osf', 'sdft', 'distill'] as const).map((tuning) =>
      trainingMemory(model, { ...ONE, tuning }),
    );
    expect(osf).toEqual({ ...full!, weights: 12e9, total: full!.total + 8e9 });
    expect(sdft).toEqual({ ...full!, weights: 8e9, total: full!.total + 4e9 });
    expect(distill).toEqual(sdft);
  });

  test('a model of round numbers', () => {
    const model: ModelShape = {
      parameters: 1e9,
      sizes: { hidden: 1000, layers: 10, vocabulary: 10_000, intermediate: 4000, queries: 1000, keys: 1000, tied: false },
    };
    const memory = trainingMemory(model, { ...ONE, dtype: 'float32', maxLength: 100 });
    // 1e9 x 4, 4 and 8; ten layers of 100 x 1,000 x 4, one of 17 times that; logits of 100 x 10,000 x 12.
    expect(memory).toEqual({
      weights: 4e9,
      gradients: 4e9,
      optimizer: 8e9,
      working: 0,
      activations: 4e6 + 6.8e6 + 12e6,
      total: 16e9 + 22.8e6,
      host: 0,
    });
    // Without checkpointing all ten layers keep 17 times.
    expect(trainingMemory(model, { ...ONE, dtype: 'float32', maxLength: 100, gradientCheckpointing: false }).activations).toBe(68e6 + 12e6);
    // A copy in bfloat16 of everything; on two devices that hold it whole, buckets of gradients.
    expect(trainingMemory(model, { ...ONE, maxLength: 100 }).working).toBe(2e9);
    expect(trainingMemory(model, { ...ONE, maxLength: 100, devices: 2 }).working).toBe(2e9 + 4e9);
  });

  test('adapters of rank 16 on every linear layer', () => {
    // 28 x 16 x ((3584 + 3584) x 2 + (3584 + 512) x 2 + (3584 + 18944) x 3)
    expect(adapterParameters(QWEN_7B, 16)).toBe(40_370_176);
    expect(adapterParameters(LLAMA_3_70B, 16)).toBe(207_093_760);
  });

  test.each([
    ['7.6B in full', QWEN_7B, ONE, 144.6],
    ['7.6B with LoRA', QWEN_7B, { ...ONE, tuning: 'lora', rank: 16 }, 23.4],
    ['7.6B with LoRA at 2,048 tokens', QWEN_7B, { ...ONE, tuning: 'lora', rank: 16, maxLength: 2048 }, 19.7],
    ['7.6B with QLoRA', QWEN_7B, { ...ONE, tuning: 'qlora', rank: 16 }, 13.7],
    ['70B with QLoRA', LLAMA_3_70B, { ...ONE, tuning: 'qlora', rank: 16 }, 54.6],
    ['70B with FSDP2 on 16', LLAMA_3_70B, { ...ONE, sharding: 'fsdp', devices: 16 }, 95.9],
    ['70B with FSDP2 on 24', LLAMA_3_70B, { ...ONE, sharding: 'fsdp', devices: 24 }, 72.3],
    ['70B with FSDP2 on 32', LLAMA_3_70B, { ...ONE, sharding: 'fsdp', devices: 32 }, 60.6],
    ['70B with ZeRO-3 on 24', LLAMA_3_70B, { ...ONE, sharding: 'zero3', devices: 24 }, 78.2],
    ['70B with ZeRO-3 on 32', LLAMA_3_70B, { ...ONE, sharding: 'zero3', devices: 32 }, 65.0],
    [
      '70B with ZeRO-3 and its optimizer in host memory on 8',
      LLAMA_3_70B,
      { ...ONE, sharding: 'zero3', devices: 8, offloadOptimizer: true },
      60.6,
    ],
  ] as const)("%s takes what the preset's comment says", (_name, model, training, expected) => {
    expect(gigabytes(trainingMemory(model, training).total)).toBeCloseTo(expected, 1);
  });

  test('host memory of an offloaded optimizer is told', () => {
    expect(gigabytes(trainingMemory(LLAMA_3_70B, { ...ONE, sharding: 'zero3', devices: 8, offloadOptimizer: true }).host)).toBeCloseTo(
      1270,
      0,
    );
  });
});

describe('the configurations that are shipped', () => {
  test('are all there, and no others', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(
      Object.keys(ACCELERATE_PRESETS)
        .map((name) => `${name}.yaml`)
        .sort(),
    );
  });

  test.each(['llama-3-70b-fsdp2', 'llama-3-70b-zero3', 'llama-3-70b-zero3-offload'] as const)(
    '%s fits Llama-3-70B on the fewest machines with something to spare',
    (name) => {
      const config = preset(name);
      const used = (processes: number): number =>
        gigabytes(
          trainingMemory(LLAMA_3_70B, { ...ONE, devices: processes, sharding: config.sharding, offloadOptimizer: config.offloadOptimizer })
            .total,
        );
      expect(used(config.processes)).toBeLessThan(0.9 * 80 * USABLE_SHARE);
      expect(used(config.processes - 8)).toBeGreaterThan(0.9 * 80 * USABLE_SHARE);
    },
  );

  test('a configuration that is none is refused in one line', () => {
    expect(() => parseAccelerateConfig('num_processes: 2')).toThrow(/^distributed_type: /);
    expect(() => parseAccelerateConfig('{distributed_type: FSDP, num_processes: 9, num_machines: 2}')).toThrow(
      '9 processes cannot be shared out evenly over 2 machines',
    );
  });
});

describe('a training that cannot fit', () => {
  const spec = (train: RunSpecInput['train']) => parseSpec({ ...validSpec(), train: { maxLength: 4096, ...train } });
  const misfit = (train: RunSpecInput['train'], name: AcceleratePreset, model: ModelShape, memoryGB: number) =>
    trainingMisfits(spec(train), model, preset(name), memoryGB)[0];

  test('is refused in one sentence with the way out', () => {
    expect(misfit({}, 'gpu-80gb', QWEN_7B, 80)).toEqual({
      path: 'train',
      value:
        'full fine-tuning of 7.62e9 parameters, which takes 144.6 GB on a device (weights 30.5 GB, gradients 30.5 GB, optimizer 60.9 GB, working 15.2 GB, activations 7.5 GB)',
      expected: 'at most 73.6 GB, 92 % of 80 GB',
      hint: 'shard it over 8 such devices (train.accelerate with FSDP), or train adapters (train.lora)',
    });
  });

  test.each([
    [
      'activations that are all kept',
      { lora: {}, gradientCheckpointing: false, maxLength: 16_384 },
      'set train.gradientCheckpointing to true',
    ],
    [
      'too many conversations at once',
      { lora: {}, perDeviceBatchSize: 16 },
      'set train.perDeviceBatchSize to 1 and raise train.gradientAccumulation in turn',
    ],
  ])('by %s says how to change that', (_name, train, hint) => {
    expect(misfit(train, 'gpu-80gb', QWEN_7B, 80)?.hint).toBe(hint);
  });

  test('on a smaller GPU is sent to shorter conversations or 4-bit weights', () => {
    expect(misfit({ lora: {} }, 'gpu-24gb', QWEN_7B, 24)?.hint).toMatch(
      /^lower train.maxLength to 2048, or .*or train adapters on 4-bit weights \(train\.lora\.quantize\)$/,
    );
    expect(misfit({ lora: { quantize: true } }, 'gpu-24gb', QWEN_7B, 24)).toBeUndefined();
  });

  test('is none of those that the shipped specs ask for', async () => {
    expect(trainingMisfits(await loadSpecFile('single-gpu'), QWEN_7B, preset('gpu-80gb'), 80)).toEqual([]);
    expect(trainingMisfits(await loadSpecFile('paper'), LLAMA_3_70B, preset('llama-3-70b-fsdp2'), 80)).toEqual([]);
  });

  test('70B: four machines do, and of an unknown shape only what is certain is counted', () => {
    expect(misfit({}, 'llama-3-70b-fsdp2', LLAMA_3_70B, 80)).toBeUndefined();
    expect(misfit({}, 'llama-3-70b-fsdp2', LLAMA_3_70B, 40)?.hint).toContain('shard it over 104 such devices');
    expect(misfit({}, 'gpu-80gb', { parameters: 70e9, sizes: null }, 80)?.value).toContain('1260.0 GB');
    expect(misfit({}, 'gpu-80gb', { parameters: 4e9, sizes: null }, 80)).toBeUndefined();
  });
});
