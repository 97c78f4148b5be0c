import { extractionStops } from '../config/extraction-stops';
import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import type { Instruction } from '../method/records';
import { modelIdentity } from './model-identity';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { defineStage } from './stage';
import type { Table } from './table';

export const instructionTable: Table<Instruction> = {
  schema: {
    id: 'string',
    text: 'string',
    system: 'string',
    reasoning: 'string',
    model: 'string',
    finishReason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: ['system', 'reasoning'],
  whereUsed: ['system', 'reasoning'],
};

/** Its key in a plan. */
export interface ExtractKeys {
  readonly extract: string;
}

/** Instructions that the target model writes after its bare pre-query template. */
export const extractStage = defineStage({
  name: 'extract',
  version: 1,
  rowsVersion: 2, // 1: thoughts were part of the text
  keyedAs: 1,
  callsModels: true,
  table: instructionTable,
  key: (hash, spec: RunSpec, { templates }: Pick<ContentIdentities, 'templates'> = {}) => {
    const { extract } = spec.synthesis;
    const own = templates?.[spec.target.model];
    return hash({
      seed: spec.seed,
      model: modelIdentity(modelOf(spec, spec.target.model)),
      sampling: extract.sampling,
      stop: extractionStops(extract),
      maxAttempts: extract.maxAttempts,
      acceptTruncated: extract.acceptTruncated,
      ...(extract.stopAtNewline ? { stopAtNewline: true } : {}), // absent where it is off, as in keys made before there was such a thing
      ...(own === undefined ? {} : { ownTemplate: own.identities.extraction }),
    });
  },
  place: ({ keys }: Pick<Planned<ExtractKeys>, 'keys'>, shard: Shard) => ({ key: keys.extract, part: partName(shard) }),
});
