import type { Instruction } from '../method/records';
import type { StageStore } from '../services/store/stage-store';
import { filterStage, instructionsOutput } from '../stages/filter';
import { type Shard } from '../stages/planned';
import { type RunPlan } from '../stages/run-plan';

/** The instructions of a shard that are to be answered: all, or those that the filters kept. @throws InputLostError when they are not there */
export async function readInstructions(stages: StageStore, plan: RunPlan, shard: Shard): Promise<Instruction[]> {
  const extracted = await stages.inputRows(instructionsOutput(plan, shard));
  if (plan.keys.filter === undefined) return extracted;
  const verdicts = await stages.inputRows(filterStage.at(plan, shard));
  const kept = new Set(verdicts.filter((verdict) => verdict.kept).map(({ instructionId }) => instructionId));
  return extracted.filter(({ id }) => kept.has(id));
}
