import type { QueueName } from './task-queues';

/** A GPU as nvidia-smi tells of it. */
export interface Gpu {
  readonly name: string;
  readonly memoryBytes: number;
  readonly freeBytes: number;
}

/** What a worker process sees of its machine; `rehearse doctor` shows it. */
export interface WorkerReport {
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly QueueName[];
  /** Version of Rehearse that it runs. */
  readonly release: string;
  readonly node: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly gpus: readonly Gpu[];
  /** Where the data folder lies. */
  readonly disk: { readonly folder: string; readonly freeBytes: number };
  readonly store: string;
  /** The environment of training and evaluation: there, or to be made by the first job. */
  readonly python: 'ready' | 'not made yet';
  /** What fails, one sentence each. */
  readonly problems: readonly string[];
}
