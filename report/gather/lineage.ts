import { detailOf, type StoredOutput } from '../../services/store/stored-output';
import type { ReplaySetDetail } from '../../stages/replay';

/** What a variant came from, and what came of it: enough to get the same data and to know the same weights again. */
export interface Lineage {
  readonly variant: string;
  /** Null for the method's own replay set, for none, and while it is not made. */
  readonly replaySet: {
    readonly title: string;
    readonly rows: number;
    /** Rows that were looked at. */
    readonly read: number;
    /** Rows that are no conversation. */
    readonly malformed: number;
    /** Commit of the hub repository that was read; null for local files and ablations. */
    readonly revision: string | null;
    readonly licence: string | null;
  } | null;
  /** SHA-256 of the trained weights; null while there are none here. */
  readonly weightsSha256: string | null;
}

/**
 * @param training what the trainer said, null while it has not; a provider that trains says nothing of weights
 * @throws Error when the manifest holds another detail than this version writes
 */
export function reportLineage(variant: string, replaySet: StoredReplaySet | undefined, training: object | null): Lineage {
  const weights = training !== null && 'weightsSha256' in training ? training.weightsSha256 : null;
  return {
    variant,
    replaySet: replaySet === undefined ? null : described(replaySet),
    weightsSha256: typeof weights === 'string' ? weights : null,
  };
}

type StoredReplaySet = StoredOutput<never, ReplaySetDetail>;

function described(replaySet: StoredReplaySet): Lineage['replaySet'] {
  const { title, rows, read, malformed, revision, licence } = detailOf(replaySet);
  return { title, rows, read, malformed: Object.values(malformed).reduce((sum, count) => sum + count, 0), revision, licence };
}
