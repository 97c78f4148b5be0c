import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCELERATE_PRESETS, isAcceleratePreset, parseAccelerateConfig, type AccelerateConfig } from '../../config/accelerate-config';
import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { trainingMisfits } from '../../planning/training-fit';
import { projectDir } from '../local/paths';
import { targetShape } from './model-shape';

export interface AccelerateReport {
  readonly problems: readonly SpecProblem[];
  readonly config?: AccelerateConfig;
  /** One of the problems: the training needs more memory than its devices have. */
  readonly misfit?: SpecProblem;
}

/** Text of the configuration that `train.accelerate` names: a preset, or a file. */
export async function accelerateText(accelerate: string): Promise<string> {
  return await readFile(
    isAcceleratePreset(accelerate) ? join(projectDir(), 'config', 'accelerate', `${accelerate}.yaml`) : accelerate,
    'utf8',
  );
}

/** Checks that the configuration of `train.accelerate` can be read, and that the training fits its devices. */
export async function checkAccelerate(spec: RunSpec): Promise<AccelerateReport> {
  const { accelerate, deviceMemoryGB } = spec.train;
  let config: AccelerateConfig = { processes: 1, machines: 1, cpu: false, sharding: 'none', offloadOptimizer: false };
  if (accelerate !== undefined) {
    try {
      config = parseAccelerateConfig(await accelerateText(accelerate));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return {
        problems: [
          {
            path: 'train.accelerate',
            value: `${JSON.stringify(accelerate)} (${reason})`,
            expected: `a configuration of accelerate, or one of ${Object.keys(ACCELERATE_PRESETS).join(', ')}`,
            hint: "relative paths start at the spec's own folder; `accelerate config` writes such a file",
          },
        ],
      };
    }
  }
  const read = accelerate === undefined ? {} : { config };
  const memory =
    deviceMemoryGB ?? (accelerate !== undefined && isAcceleratePreset(accelerate) ? ACCELERATE_PRESETS[accelerate].deviceMemoryGB : null);
  if (config.cpu || memory === null) return { problems: [], ...read };
  const shape = await targetShape(spec);
  const misfits = shape === undefined ? [] : trainingMisfits(spec, shape, config, memory);
  return misfits.length === 0 ? { problems: [], ...read } : { problems: misfits, misfit: misfits[0]!, ...read };
}
