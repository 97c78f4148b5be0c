import type { ScoredBy } from '../method/scores';

/** A value of `synthesis.judge.scoring`: how a judge's score is read from its replies. */
export type Scoring = ScoredBy;

/** What all other code knows of a way to read scores. Its requests are made in services/batches/steps/scoring.ts. */
export interface ReadingTraits {
  /**
   * Model calls of one judgment, without repetitions: the first writes the reply, each further one continues it by one token.
   * @param hasTemplate whether the spec names the judge's chat format, so that a raw prompt can be rendered
   */
  readonly callsPerJudgment: (hasTemplate: boolean) => number;
  /** Least difference of two scores of one judge that is shown: 1 for whole ratings. */
  readonly resolution: number;
  /** Whether the endpoint's token probabilities are read; a judge with a template then needs a named one. */
  readonly readsProbabilities: boolean;
  /** Whether `judge.minRatingMass` decides what is a score, so that it is part of the stage key. */
  readonly usesRatingMass: boolean;
  /** Tokens that a reply must have room for: of a written rating, a justification and the line `Score: 5`. */
  readonly fewestReplyTokens: number;
  readonly phrases: {
    /** In the JSON Schema, after the name and a colon. */
    readonly schema: string;
    /** In a new spec, after "or <name>: ". */
    readonly init: string;
    /** In the report, after "scores are ". */
    readonly report: string;
    /** In the report's provenance, after "read as ". */
    readonly provenance: string;
    /** On the card of an exported data set, in brackets after what the judges did. */
    readonly card: string;
  };
}

export const SCORE_READINGS: Readonly<Record<Scoring, ReadingTraits>> = {
  text: {
    callsPerJudgment: () => 1,
    resolution: 1,
    readsProbabilities: false,
    usesRatingMass: false,
    fewestReplyTokens: 32,
    phrases: {
      schema: 'the rating in the last line (the paper).',
      init: "the rating in the last line of the judge's reply",
      report: 'the rating in the last line of the judge’s reply, as in the paper',
      provenance: 'text',
      card: 'the rating that they wrote',
    },
  },
  expected: {
    callsPerJudgment: (hasTemplate) => (hasTemplate ? 2 : 1),
    resolution: 0.1,
    readsProbabilities: true,
    usesRatingMass: true,
    fewestReplyTokens: 1,
    phrases: {
      schema: 'the mean of 1 to 5 weighted by the model\'s own probabilities after "Score:".',
      init: "the score from the judge's own probabilities, for small models",
      report: 'the mean of 1 to 5 weighted by the judge’s own probabilities after “Score:”',
      provenance: 'expected value',
      card: 'the mean of 1 to 5, weighted by their own probabilities',
    },
  },
};

/** Names of all readings, the default first. */
export const SCORINGS = Object.keys(SCORE_READINGS) as [Scoring, ...Scoring[]];

export const DEFAULT_SCORING: Scoring = 'text';

/** Names of the readings that have a property. */
export function scoringsWith(property: (reading: ReadingTraits) => boolean): Scoring[] {
  return SCORINGS.filter((name) => property(SCORE_READINGS[name]));
}
