import type { Failure } from '../method/records';
import type { StageManifest, StageStore } from '../services/store/stage-store';
import type { HeldOutLossRow } from '../stages/evaluate-loss';
import type { Output, OutputRef } from '../stages/stage';

/** What an export found: how much of the run's outputs is there. */
export interface Coverage {
  /** Outputs that the plan has, of those that the export reads. */
  planned: number;
  /** Outputs that are not made yet, by stage. */
  readonly missing: Map<string, number>;
  /** Outputs made by another version of Rehearse, or from inputs that have changed since. */
  outdated: number;
}

/** Reads the stage outputs of a plan, and keeps count of those that are not there. */
export class StoredParts {
  readonly coverage: Coverage = { planned: 0, missing: new Map(), outdated: 0 };

  constructor(private readonly stages: StageStore) {}

  /** Rows of an output; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async rows<Row extends object>({ stage, address }: Output<Row>): Promise<Row[]> {
    const manifest = await this.manifest({ stage, address });
    return manifest === undefined ? [] : await this.stages.readRows({ stage, manifest });
  }

  /** Rows and failures of an output; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async all<Row extends object>({ stage, address }: Output<Row>): Promise<{ readonly rows: Row[]; readonly failures: Failure[] }> {
    const manifest = await this.manifest({ stage, address });
    if (manifest === undefined) return { rows: [], failures: [] };
    return { rows: await this.stages.readRows({ stage, manifest }), failures: await this.stages.readFailures(manifest) };
  }

  /** Failures of an output; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async failures(output: OutputRef): Promise<Failure[]> {
    const manifest = await this.manifest(output);
    return manifest === undefined ? [] : await this.stages.readFailures(manifest);
  }

  /** Losses on held-out conversations that are kept with an evaluation; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async losses(output: OutputRef): Promise<HeldOutLossRow[]> {
    const manifest = await this.manifest(output);
    return manifest === undefined ? [] : await this.stages.readLosses(manifest);
  }

  /** The output's manifest; a missing or outdated one is counted. */
  private async manifest(output: OutputRef): Promise<StageManifest | undefined> {
    this.coverage.planned++;
    const current = await this.stages.findManifest(output);
    if (current !== undefined) return current;
    const older = await this.stages.latestManifest(output.address);
    if (older !== undefined) this.coverage.outdated++;
    else this.coverage.missing.set(output.stage.name, (this.coverage.missing.get(output.stage.name) ?? 0) + 1);
    return older;
  }
}
