import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import { HELD_OUT_SETS, type HeldOutRow } from '../method/hold-out';
import { WHOLE, type ContentIdentities, type Planned } from './planned';
import { defineStage, knownKey, type StageInput } from './stage';
import type { Table } from './table';

const heldOutTable: Table<HeldOutRow> = {
  schema: { set: 'string', id: 'string', messages: 'json', tools: 'json', cut: 'boolean' },
  optional: ['tools', 'cut'],
};

const holdOutDetailSchema = z.record(z.enum(HELD_OUT_SETS), z.number());

/** Its key in a plan, when the spec asks for held-out rows. */
export interface HoldOutKeys {
  readonly holdOut?: string;
}

/** Rows that no variant is trained on, the same for all of them: on these the loss is measured. In a run whose spec asks for some. */
export const holdOutStage = defineStage({
  name: 'holdout',
  version: 1,
  rowsVersion: 2,
  callsModels: false,
  table: heldOutTable,
  /** How many conversations of each set are held out. */
  detail: holdOutDetailSchema,
  /**
   * @param replaySet the method's replay set, see `Stage.input`
   * @param own key of the target's own responses, null where it does not answer
   */
  key: (hash, spec: RunSpec, content: ContentIdentities, replaySet: StageInput, own: string | null) =>
    hash({
      seed: spec.seed,
      kept: spec.mix.holdOut,
      newData: content.newData,
      target: spec.target.model,
      own,
      input: [...replaySet, spec.synthesis.extract.instructions],
    }),
  place: ({ keys }: Pick<Planned<HoldOutKeys>, 'keys'>) => ({ key: knownKey(keys.holdOut, 'holdout'), part: WHOLE }),
});
