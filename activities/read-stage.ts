import { InputLostError, type StageManifest, type StageStore } from '../services/store/stage-store';
import { type StageAddress } from '../stages/address';
import type { Table } from '../stages/table';

/** Rows of an output that an earlier activity made. @throws InputLostError when it is not there any more; CorruptArtifactError */
export async function readStage<Row extends object>(
  stages: StageStore,
  address: StageAddress,
  rowsVersion: number,
  table: Table<Row>,
): Promise<Row[]> {
  return await stages.readRows(await inputManifest(stages, address, rowsVersion), table);
}

/** Manifest of an output that an earlier activity made. @throws InputLostError when it is not there any more; CorruptArtifactError */
export async function inputManifest(stages: StageStore, address: StageAddress, rowsVersion: number): Promise<StageManifest> {
  const manifest = await stages.find(address, rowsVersion);
  if (manifest === undefined) {
    throw new InputLostError(`${stages.folder(address)} is missing or its inputs have changed; start the run again to make it anew`);
  }
  return manifest;
}
