import { modelOf } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import { SCORE_READINGS } from '../config/score-readings';
import type { RunSpec } from '../config/spec';
import { thinkingIdentity } from '../config/thinking';
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
    reasoning: 'string',
    ratingMass: 'double',
    reason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: ['ratingMass', 'reason', 'reasoning'],
  whereUsed: ['reasoning'],
};

export type KeysByJudge = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Its keys in a plan, by judge, then by generator, so that another generator or judge leaves the rest as it is. */
export interface JudgeKeys {
  readonly judge: KeysByJudge;
  /** Of judges that are asked in rounds: the rounds before the last one, whose key is under `judge`; see method/early-judging.ts. */
  readonly judgeRounds?: readonly KeysByJudge[];
  /** Where responses that cannot win are left out: what is judged after all. */
  readonly judgeAfterAll?: KeysByJudge;
}

/** Which of the times that a judge is asked about one generator's responses; left out: the only one, or the last of its rounds. */
export type JudgeRound = number | 'afterAll';

/** What decides which responses a judge is not shown. Without it a judge scores all, and its key knows nothing of the others. */
export interface SkipInputs {
  readonly rules: Readonly<Record<string, unknown>>;
  /** Keys of all responses, by generator. */
  readonly responses: Readonly<Record<string, string>>;
  /** Keys of the judgments before, by judge and generator. */
  readonly before: KeysByJudge;
  /** Its own rounds before, by generator. */
  readonly rounds?: readonly Readonly<Record<string, string>>[];
  readonly afterAll?: true;
}

/** One judge's scores of one generator's responses in a shard. */
export const judgeStage = defineStage({
  name: 'judge',
  version: 1,
  rowsVersion: 2, // 1: a quotation, a copy or a block of code could be a score, and less decoration was read
  keyedAs: 1,
  callsModels: true,
  table: judgmentTable,
  key: (
    hash,
    spec: RunSpec,
    name: string,
    respondKey: string,
    { templates, skip }: Pick<ContentIdentities, 'templates'> & { readonly skip?: SkipInputs } = {},
  ) => {
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
      ...thinkingIdentity(modelOf(spec, name)),
      input: respondStage.input(respondKey),
      ...(own === undefined
        ? {}
        : { ownTemplate: SCORE_READINGS[judge.scoring].readsProbabilities ? own.identities.conversation : own.identities.text }),
      ...(skip === undefined ? {} : { skip }),
    });
  },
  place: ({ keys }: Pick<Planned<JudgeKeys>, 'keys'>, shard: Shard, judge: string, generator: string, round?: JudgeRound) => ({
    key: knownKey(keysOfRound(keys, round)?.[judge]?.[generator], `${judge}/${generator}`),
    part: partName(shard),
  }),
});

function keysOfRound({ judge, judgeRounds, judgeAfterAll }: JudgeKeys, round: JudgeRound | undefined): KeysByJudge | undefined {
  if (round === undefined) return judge;
  return round === 'afterAll' ? judgeAfterAll : judgeRounds?.[round];
}
