import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import type { HeldOutSet } from '../method/hold-out';
import { holdOutStage, type HoldOutKeys } from './hold-out';
import { WHOLE, type Planned } from './planned';
import { heldOutLossSchema } from './python-results';
import { defineStage, knownKey } from './stage';
import type { Table } from './table';

/** Loss of a model on one conversation that it was not trained on. */
export interface HeldOutLossRow {
  readonly set: HeldOutSet;
  readonly id: string;
  /** Mean over its assistant tokens, in nats. */
  readonly loss: number;
  readonly tokens: number;
}

export const heldOutLossTable: Table<HeldOutLossRow> = {
  schema: { set: 'string', id: 'string', loss: 'double', tokens: 'int' },
  optional: [],
};

const lossDetailSchema = z.looseObject({
  losses: z.array(heldOutLossSchema),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
});

/** Kept with the output. */
export type LossDetail = z.output<typeof lossDetailSchema>;

/** The loss of a model on the held-out rows; of a plan whose spec asks for some. */
export const evaluateLossStage = defineStage({
  name: 'evaluate-loss',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: heldOutLossTable,
  detail: lossDetailSchema,
  /** @param holdOut key of the held-out rows */
  key: (hash, { train, evaluate }: RunSpec, holdOut: string, modelSha256: string) =>
    hash({
      dtype: evaluate.dtype,
      maxLength: train.maxLength,
      model: modelSha256,
      input: holdOutStage.input(holdOut),
      ...(train.thoughts === 'keep' ? { thoughts: train.thoughts } : {}),
    }),
  place: ({ spec, keys }: Pick<Planned<HoldOutKeys>, 'spec' | 'keys'>, modelSha256: string) => ({
    key: lossKey(spec, knownKey(keys.holdOut, 'holdout'), modelSha256),
    part: WHOLE,
  }),
});

function lossKey(spec: RunSpec, holdOut: string, modelSha256: string): string {
  return evaluateLossStage.key(spec, holdOut, modelSha256);
}
