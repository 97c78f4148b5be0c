import type { RunSpec } from '../config/spec';
import type { Assumptions } from './cost-assumptions';
import { parametersOf } from './model-size';

/** What a gpu worker computes on. */
export type Device = 'cpu' | 'gpu';

/** The device that a spec trains and evaluates on: a CPU where it sets CPU threads or names the CPU configuration. */
export function deviceOf(spec: RunSpec): Device {
  return spec.train.threads === undefined && spec.train.accelerate !== 'cpu' ? 'gpu' : 'cpu';
}

/** Floating-point operations a second that a device reaches. */
export function deviceFlops(device: Device, a: Assumptions): number {
  return device === 'cpu' ? a.cpuGflops * 1e9 : a.gpuTflops * 1e12 * a.gpuUtilization;
}

/** Parameters of the target model, by the name of its weights or its id; null where neither tells. */
export function targetParameters(spec: RunSpec): number | null {
  return parametersOf(spec.target.weights ?? '') ?? parametersOf(spec.models[spec.target.model]?.model ?? '');
}
