import type { StageAddress, StageStore } from '../services/stage-store';
import type { Table } from '../services/tables';

/** Rows of an output that an earlier activity made. @throws Error when it is not there any more */
export async function readStage<Row extends object>(stages: StageStore, address: StageAddress, rowsVersion: number, table: Table<Row>): Promise<Row[]> {
  const manifest = await stages.find(address, rowsVersion);
  if (manifest === undefined) {
    throw new Error(`${stages.folder(address)} is missing or its inputs have changed; start the run again to make it anew`);
  }
  return await stages.readRows(manifest, table);
}
