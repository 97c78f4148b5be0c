import { modelOf } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import type { RunSpec } from '../config/spec';
import { thinkingIdentity } from '../config/thinking';
import type { Response } from '../method/records';
import { modelIdentity } from './model-identity';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { defineStage, knownKey, type StageInput } from './stage';
import type { Table } from './table';

export const responseTable: Table<Response> = {
  schema: {
    id: 'string',
    instructionId: 'string',
    model: 'string',
    sample: 'int',
    text: 'string',
    reasoning: 'string',
    finishReason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: ['reasoning'],
  whereUsed: ['reasoning'],
};

/** Its keys in a plan, by generator. */
export interface RespondKeys {
  readonly respond: Readonly<Record<string, string>>;
}

/** One generator's responses to the instructions of a shard. */
export const respondStage = defineStage({
  name: 'respond',
  version: 1,
  rowsVersion: 2, // 1: thoughts were part of the text
  keyedAs: 1,
  callsModels: true,
  table: responseTable,
  /** @param input of the instructions, see `Stage.input` */
  key: (hash, spec: RunSpec, generator: string, input: StageInput, { templates }: Pick<ContentIdentities, 'templates'> = {}) => {
    const { respond } = spec.synthesis;
    const own = templates?.[generator];
    return hash({
      seed: spec.seed,
      generator,
      model: modelIdentity(modelOf(spec, generator)),
      sampling: samplingFor(respond, generator),
      samples: respond.samples,
      maxAttempts: respond.maxAttempts,
      acceptTruncated: respond.acceptTruncated,
      ...thinkingIdentity(modelOf(spec, generator)),
      input,
      ...(own === undefined ? {} : { ownTokens: own.identities.text }),
    });
  },
  place: ({ keys }: Pick<Planned<RespondKeys>, 'keys'>, shard: Shard, generator: string) => ({
    key: knownKey(keys.respond[generator], generator),
    part: partName(shard),
  }),
});
