import type { RunSpec } from '../config/spec';
import { variantsOf, type Variant } from '../config/variants';
import type { LeaderboardTask } from '../method/forgetting';
import { instructionId } from '../method/ids';
import type { StageAddress } from './address';
import { evaluateLossKey, evaluateTaskKey, type ContentIdentities, type StageKeys, type VariantKeys } from './stage-keys';

/** Everything that a run's activities need to know, stored once and referred to by its hash. */
export interface RunPlan {
  readonly spec: RunSpec;
  readonly keys: StageKeys;
  readonly content: ContentIdentities;
  readonly shards: readonly Shard[];
}

/** Instructions `start` up to, but without, `end`. */
export interface Shard {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts `count` instructions into shards of `size`; the last may be smaller. */
export function partition(count: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => ({
    index,
    start: index * size,
    end: Math.min(count, (index + 1) * size),
  }));
}

/** Name of a shard's range of items: `i0000000-i0000499`. */
export function partName(shard: Shard): string {
  return `${instructionId(shard.start)}-${instructionId(shard.end - 1)}`;
}

/** Addresses of a plan's stage outputs. */
export const addresses = {
  extract: (plan: RunPlan, shard: Shard): StageAddress => ({ stage: 'extract', key: plan.keys.extract, part: partName(shard) }),
  /** Of a plan whose spec has filters. */
  filter: (plan: RunPlan, shard: Shard): StageAddress => ({
    stage: 'filter',
    key: known(plan.keys.filter, 'filter'),
    part: partName(shard),
  }),
  documents: (plan: RunPlan, task: LeaderboardTask): StageAddress => ({
    stage: 'documents',
    key: known(plan.keys.documents?.[task], `documents/${task}`),
    part: 'all',
  }),
  respond: (plan: RunPlan, shard: Shard, generator: string): StageAddress => ({
    stage: 'respond',
    key: known(plan.keys.respond[generator], generator),
    part: partName(shard),
  }),
  judge: (plan: RunPlan, shard: Shard, judge: string, generator: string): StageAddress => ({
    stage: 'judge',
    key: known(plan.keys.judge[judge]?.[generator], `${judge}/${generator}`),
    part: partName(shard),
  }),
  select: (plan: RunPlan, shard: Shard): StageAddress => ({ stage: 'select', key: plan.keys.select, part: partName(shard) }),
  /** Rows that are kept back from training; of a plan whose spec asks for some. */
  holdOut: (plan: RunPlan): StageAddress => ({ stage: 'holdout', key: known(plan.keys.holdOut, 'holdout'), part: 'all' }),
  /** A replay set that is not the method's. */
  replay: (plan: RunPlan, variant: string): StageAddress => ofVariant(plan, variant, 'replay'),
  mix: (plan: RunPlan, variant: string): StageAddress => ofVariant(plan, variant, 'mix'),
  train: (plan: RunPlan, variant: string): StageAddress => ofVariant(plan, variant, 'train'),
  /** All tasks of a variant together. */
  evaluate: (plan: RunPlan, variant: string): StageAddress => ofVariant(plan, variant, 'evaluate'),
  /** One task on whatever model: all that counts is its content. */
  evaluateTask: ({ spec, content }: RunPlan, task: string, modelSha256: string): StageAddress => ({
    stage: 'evaluate-task',
    key: evaluateTaskKey({ spec, content }, task, modelSha256),
    part: 'all',
  }),
  /** The loss of a model on what was kept back from training; of a plan whose spec asks for some. */
  evaluateLoss: ({ spec, keys }: RunPlan, modelSha256: string): StageAddress => ({
    stage: 'evaluate-loss',
    key: evaluateLossKey(spec, known(keys.holdOut, 'holdout'), modelSha256),
    part: 'all',
  }),
} as const;

function known(key: string | undefined, name: string): string {
  if (key === undefined) throw new Error(`the plan has no stage for "${name}"; a validated spec cannot come here`);
  return key;
}

function ofVariant(plan: RunPlan, variant: string, stage: keyof VariantKeys): StageAddress {
  return { stage, key: known(plan.keys.variants[variant]?.[stage], `${variant}/${stage}`), part: 'all' };
}

/** A variant of a plan, by its name. */
export function planVariant(plan: RunPlan, name: string): Variant {
  const found = variantsOf(plan.spec).find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`the plan has no variant "${name}"; a validated spec cannot come here`);
  return found;
}
