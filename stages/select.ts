import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import type { ReplayRow } from '../method/records';
import { judgeStage, type JudgeKeys } from './judge';
import { partName, type Planned, type Shard } from './planned';
import { defineStage } from './stage';
import type { Table } from './table';

export const replayTable: Table<ReplayRow> = {
  schema: {
    instructionId: 'string',
    responseId: 'string',
    instruction: 'string',
    response: 'string',
    model: 'string',
    finishReason: 'string',
    meanScore: 'double',
    scores: 'json',
    messages: 'json',
  },
  optional: [],
};

/** Kept with a shard's selection. */
const selectionDetailSchema = z.looseObject({
  /** Instructions whose best mean was shared by several responses. */
  ties: z.number(),
  /** Kept instructions whose winner was cut at a token limit. */
  cut: z.number().optional(),
});

/** Its key in a plan. */
export interface SelectKeys {
  readonly select: string;
}

/** Best mean score wins: the method's replay set, a shard at a time. */
export const selectStage = defineStage({
  name: 'select',
  version: 1,
  rowsVersion: 2,
  callsModels: false,
  table: replayTable,
  detail: selectionDetailSchema,
  key: (hash, spec: RunSpec, { judge, judgeAfterAll }: JudgeKeys) => {
    const { select } = spec.synthesis;
    return hash({
      seed: spec.seed,
      policy: select.policy,
      minJudges: select.policy === 'available' ? select.minJudges : null,
      truncated: select.truncated,
      input: [judge, judgeStage.keyedAs, ...(judgeAfterAll === undefined ? [] : [judgeAfterAll])],
    });
  },
  place: ({ keys }: Pick<Planned<SelectKeys>, 'keys'>, shard: Shard) => ({ key: keys.select, part: partName(shard) }),
});
