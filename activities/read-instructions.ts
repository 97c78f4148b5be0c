import type { Instruction } from '../method/records';
import type { StageStore } from '../services/store/stage-store';
import type { StageAddress } from '../stages/address';
import { addresses, type RunPlan, type Shard } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { filterTable, instructionTable } from '../stages/tables';
import { readStage } from './read-stage';

/** The stage outputs that say which instructions of a shard are to be answered. */
export function instructionInputs(plan: RunPlan, shard: Shard): StageAddress[] {
  return [addresses.extract(plan, shard), ...(plan.keys.filter === undefined ? [] : [addresses.filter(plan, shard)])];
}

/** The instructions of a shard that are to be answered: all, or those that the filters kept. @throws Error when they are not there */
export async function readInstructions(stages: StageStore, plan: RunPlan, shard: Shard): Promise<Instruction[]> {
  const extracted = await readStage(stages, addresses.extract(plan, shard), ROWS_VERSIONS.extract, instructionTable);
  if (plan.keys.filter === undefined) return extracted;
  const verdicts = await readStage(stages, addresses.filter(plan, shard), ROWS_VERSIONS.filter, filterTable);
  const kept = new Set(verdicts.filter((verdict) => verdict.kept).map(({ instructionId }) => instructionId));
  return extracted.filter(({ id }) => kept.has(id));
}
