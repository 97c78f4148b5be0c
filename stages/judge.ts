import { modelOf } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import { SCORE_READINGS } from '../config/score-readings';
import type { RunSpec } from '../config/spec';
import { JUDGE_PROMPT } from '../method/judge-prompt';
import type { Judgment } from '../method/records';
import { modelIdentity } from './model-identity';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { respondStage } from './respond';
import { defineStage, knownKey } from './stage';
import type { Table } from './table';

export const judgmentTable: Table<Judgment> = {
  schema: {
    id: 'string',
    responseId: 'string',
    instructionId: 'string',
    judge: 'string',
    score: 'double',
    scoredBy: 'string',
    raw: 'string',
    ratingMass: 'double',
    reason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: ['ratingMass', 'reason'],
};

/** Its keys in a plan, by judge, then by generator, so that another generator or judge leaves the rest as it is. */
export interface JudgeKeys {
  readonly judge: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** One judge's scores of one generator's responses in a shard. */
export const judgeStage = defineStage({
  name: 'judge',
  version: 1,
  rowsVersion: 1,
  callsModels: true,
  table: judgmentTable,
  key: (hash, spec: RunSpec, name: string, respondKey: string, { templates }: Pick<ContentIdentities, 'templates'> = {}) => {
    const { judge } = spec.synthesis;
    const own = templates?.[name];
    return hash({
      seed: spec.seed,
      judge: name,
      model: modelIdentity(modelOf(spec, name)),
      sampling: samplingFor(judge, name),
      scoring: judge.scoring,
      minRatingMass: SCORE_READINGS[judge.scoring].usesRatingMass ? judge.minRatingMass : null,
      maxAttempts: judge.maxAttempts,
      prompt: JUDGE_PROMPT,
      input: respondStage.input(respondKey),
      ...(own === undefined
        ? {}
        : { ownTemplate: SCORE_READINGS[judge.scoring].readsProbabilities ? own.identities.conversation : own.identities.text }),
    });
  },
  place: ({ keys }: Pick<Planned<JudgeKeys>, 'keys'>, shard: Shard, judge: string, generator: string) => ({
    key: knownKey(keys.judge[judge]?.[generator], `${judge}/${generator}`),
    part: partName(shard),
  }),
});
