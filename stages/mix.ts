import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import type { Variant } from '../config/variants';
import type { MixtureRow } from '../method/records';
import { holdOutStage } from './hold-out';
import { placeOfVariant, type KeyOfVariants, type ContentIdentities, type Planned } from './planned';
import { defineStage, type StageInput } from './stage';
import type { Table } from './table';

const mixtureTable: Table<MixtureRow> = {
  schema: { id: 'string', source: 'string', messages: 'json', tools: 'json', cut: 'boolean' },
  optional: ['tools', 'cut'],
};

const mixtureDetailSchema = z.looseObject({
  replay: z.number(),
  new: z.number(),
  share: z.number(),
  /** Rows of either side that the share left no room for. */
  replayLeftOut: z.number(),
  newLeftOut: z.number(),
  /** Whether the replay set has fewer rows than the share asks for. */
  short: z.boolean().optional(),
  /** Rows of either side that `mix.exclude` names. */
  excluded: z.number().optional(),
  /** Examples whose last answer was cut at a token limit: no end is learned from them. */
  cut: z.number().optional(),
});

/** The mixture's arithmetic, kept with it. Older mixtures do not tell of `short` and `cut`. */
export type MixtureDetail = z.output<typeof mixtureDetailSchema>;

/** Replay set and new data, the new data a fixed share of the whole. */
export const mixStage = defineStage({
  name: 'mix',
  version: 1,
  rowsVersion: 2,
  callsModels: false,
  table: mixtureTable,
  detail: mixtureDetailSchema,
  /**
   * @param spec with the variant's own training
   * @param budget from {@link mixtureBudget}
   * @param replay key of the variant's own replay set, if it has one
   */
  key: (hash, spec: RunSpec, { replay: source, newShare }: Variant, budget: MixtureBudget, replay: string | undefined) =>
    hash(
      replay === undefined && newShare === spec.mix.newShare
        ? { ...budget, ...keptThoughts(spec, source) }
        : { budget, newShare, source: source?.kind === 'none' ? 'none' : (replay ?? budget.input[0]), ...keptThoughts(spec, source) },
    ),
  place: (plan: Pick<Planned<KeyOfVariants<'mix'>>, 'keys'>, variant: string) => placeOfVariant(plan, variant, 'mix'),
});

/** Whether the method's rows carry thoughts; absent where they do not, as in keys made before they could. */
function keptThoughts({ train }: RunSpec, source: Variant['replay']): { readonly thoughts?: 'keep' } {
  return train.thoughts === 'keep' && source?.kind === 'method' ? { thoughts: train.thoughts } : {};
}

/** The method's own mixture: it says how much of any other replay set is drawn, so every mixture depends on it. */
export interface MixtureBudget {
  readonly seed: number;
  readonly newShare: number;
  readonly maxExamples: number | null;
  readonly newData: string;
  /** The method's replay set, and how many instructions it was asked for. */
  readonly input: readonly [key: string, rowsVersion: number, instructions: number];
  /** Absent where nothing is held out, as in keys made before there was such a thing. */
  readonly holdOut?: StageInput;
  /** Ids of rows that no mixture holds; why is no part of it. Absent where there are none, as in keys made before. */
  readonly excluded?: readonly string[];
}

export function mixtureBudget(
  spec: RunSpec,
  content: ContentIdentities,
  replaySet: StageInput,
  holdOut: string | undefined,
): MixtureBudget {
  return {
    seed: spec.seed,
    newShare: spec.mix.newShare,
    maxExamples: spec.mix.maxExamples ?? null,
    newData: content.newData,
    input: [...replaySet, spec.synthesis.extract.instructions],
    ...(holdOut === undefined ? {} : { holdOut: holdOutStage.input(holdOut) }),
    ...(content.excluded === undefined ? {} : { excluded: content.excluded.map(({ id }) => id) }),
  };
}
