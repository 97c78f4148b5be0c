import type { RunSpec } from '../config/spec';
import { instructionId } from '../method/ids';
import type { ReadTemplate } from '../templates/read-template';
import { knownKey } from './stage';

/** A run's plan, as far as a stage must know it: the spec, what it names, and those keys that the stage reads. */
export interface Planned<Keys> {
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
  readonly keys: Keys;
}

/** Content of the files and weights that a spec names. */
export interface ContentIdentities {
  /** SHA-256 of the new-data file, or what stands for several, or for one whose rows say more; see services/data/new-data.ts. */
  readonly newData: string;
  /** Identity of the target's weights. */
  readonly weights: string;
  /** Per evaluation task: identity of its documents. */
  readonly evaluation: readonly string[];
  /** SHA-256 of each local file that a variant's replay set is read from. */
  readonly replayFiles: Readonly<Record<string, string>>;
  /** Rows that no mixture holds, by id, as `mix.exclude` named them when the run was planned; absent where there are none. */
  readonly excluded?: readonly { readonly id: string; readonly reason: string }[];
  /** Text of the configuration that `train.accelerate` names, so that it is the same wherever the training runs. */
  readonly accelerate?: string;
  /** By model: its own chat template, as it was read when the run started; absent where the spec names every format. */
  readonly templates?: Readonly<Record<string, ReadTemplate>>;
}

/** Instructions `start` up to, but without, `end`. */
export interface Shard {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** Part of an output that covers all items of its run. */
export const WHOLE = 'all';

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

/** The key of a stage that each variant has for itself. Variants that are alike share keys, and so their outputs. */
export interface KeyOfVariants<Stage extends string> {
  readonly variants: Readonly<Record<string, { readonly [Name in Stage]?: string }>>;
}

/** Where a plan has the output of a variant's stage. @throws Error when the variant has no such stage */
export function placeOfVariant<Stage extends string>(
  { keys }: Pick<Planned<KeyOfVariants<Stage>>, 'keys'>,
  variant: string,
  stage: Stage,
): { readonly key: string; readonly part: string } {
  return { key: knownKey(keys.variants[variant]?.[stage], `${variant}/${stage}`), part: WHOLE };
}
