import { z } from 'zod';
import type { OwnAnswersRow } from '../config/own-answers';
import type { RunSpec } from '../config/spec';
import { filesOf } from '../config/variants';
import { instructionTable } from './extract';
import { partName, WHOLE, type ContentIdentities, type Planned, type Shard } from './planned';
import { defineStage, knownKey } from './stage';

const promptsDetailSchema = z.looseObject({
  title: z.string(),
  prompts: z.number(),
  /** Rows that were looked at to draw these. */
  read: z.number(),
  /** Rows without a prompt that the target can be asked, by what is wrong with them. */
  malformed: z.record(z.string(), z.number()),
  /** Commit of the hub repository that was read; null for local files. */
  revision: z.string().nullable(),
  licence: z.string().nullable(),
});

/** Kept with the prompts as a whole. */
export type PromptsDetail = z.output<typeof promptsDetailSchema>;

/** Its key in the plan of a row's own answers, where it stands in the place of extraction. */
export interface PromptsKeys {
  readonly prompts?: string;
}

/**
 * Prompts of a data set, for the target to answer: of each conversation the system message and the first turn of the user. Rows by shard; one
 * part more, without rows, says of how many there are and what was left out.
 */
export const promptsStage = defineStage({
  name: 'prompts',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: instructionTable,
  detail: promptsDetailSchema,
  key: (hash, spec: RunSpec, { name, own }: OwnAnswersRow, { replayFiles }: Pick<ContentIdentities, 'replayFiles'>) => {
    const { source, schema } = own.prompts;
    return hash({
      seed: spec.seed,
      most: spec.synthesis.extract.instructions,
      source: source.from === 'hub' ? source : filesOf({ name, replay: own, newShare: 0 }).map((file) => replayFiles[file]),
      schema,
    });
  },
  /** @param shard without one, the part that says what there is */
  place: ({ keys }: Pick<Planned<PromptsKeys>, 'keys'>, shard?: Shard) => ({
    key: knownKey(keys.prompts, 'prompts'),
    part: shard === undefined ? WHOLE : partName(shard),
  }),
});
