import type { LeaderboardTask } from '../method/forgetting';

/** What is known of a spec's files; what is missing is assumed. */
export interface KnownCounts {
  /** Processes (devices) that train together, where the spec names a configuration of accelerate. */
  readonly trainingProcesses?: number;
  /** Conversations of the new data. */
  readonly newExamples?: number;
  /** Their characters, JSON included. */
  readonly newCharacters?: number;
  /** Documents to be measured of each task with local data; MATH counts level 5 only. */
  readonly evaluationDocuments?: Readonly<Partial<Record<LeaderboardTask, number>>>;
}
