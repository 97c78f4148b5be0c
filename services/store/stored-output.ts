import type { Failure } from '../../method/records';
import type { CallRecord } from '../../stages/call-record';
import type { HeldOutLossRow } from '../../stages/evaluate-loss';
import { readDetail, type OutputRef, type Stage } from '../../stages/stage';
import type { OutputFile, StageManifest, StageStats } from './stage-manifest';

/** What a stage stores of an output. */
export interface OutputContent<Row, Detail> {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  readonly calls?: readonly CallRecord[];
  readonly losses?: readonly HeldOutLossRow[];
  readonly files?: readonly OutputFile[];
  readonly stats: StageStats;
  readonly detail?: Detail;
  readonly inputs: readonly OutputRef[];
}

/** The same of a stage that calls no model. */
export type MadeContent<Row, Detail> = Omit<OutputContent<Row, Detail>, 'stats' | 'calls' | 'failures'> & {
  readonly failures?: readonly Failure[];
};

/** A finished output: its manifest, and how its rows and its detail are read. */
export interface StoredOutput<Row extends object, Detail = unknown> {
  readonly stage: Stage<Row, Detail>;
  readonly manifest: StageManifest;
}

/** What an output says besides its rows. @throws Error when it is not what this version of the code writes */
export function detailOf<Detail>({ stage, manifest }: StoredOutput<never, Detail>): Detail {
  return readDetail(stage.detail, manifest, manifest.detail);
}
