import type { Failure } from '../method/records';
import type { StageManifest, StageStore } from '../services/store/stage-store';
import type { StageAddress } from '../stages/address';
import { ROWS_VERSIONS, type StageName } from '../stages/stage-keys';
import type { Table } from '../stages/table';

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
  async rows<Row extends object>(address: StageAddress, table: Table<Row>): Promise<Row[]> {
    const manifest = await this.manifest(address);
    return manifest === undefined ? [] : await this.stages.readRows(manifest, table);
  }

  /** Rows and failures of an output; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async all<Row extends object>(address: StageAddress, table: Table<Row>): Promise<{ readonly rows: Row[]; readonly failures: Failure[] }> {
    const manifest = await this.manifest(address);
    if (manifest === undefined) return { rows: [], failures: [] };
    return {
      rows: await this.stages.readRows(manifest, table),
      failures: manifest.failures.rows === 0 ? [] : await this.stages.readFailures(manifest),
    };
  }

  /** Failures of an output; none while it is not made. @throws CorruptArtifactError when a file is damaged */
  async failures(address: StageAddress): Promise<Failure[]> {
    const manifest = await this.manifest(address);
    return manifest === undefined || manifest.failures.rows === 0 ? [] : await this.stages.readFailures(manifest);
  }

  /** The output's manifest; a missing or outdated one is counted. */
  private async manifest(address: StageAddress): Promise<StageManifest | undefined> {
    this.coverage.planned++;
    const current = await this.stages.find(address, ROWS_VERSIONS[address.stage as StageName]);
    if (current !== undefined) return current;
    const older = await this.stages.latest(address);
    if (older !== undefined) this.coverage.outdated++;
    else this.coverage.missing.set(address.stage, (this.coverage.missing.get(address.stage) ?? 0) + 1);
    return older;
  }
}
