import pLimit from 'p-limit';
import type { PlanRef } from '../contract/run';
import { CorruptArtifactError } from '../services/store/stage-errors';
import { runOutputs } from '../stages/run-outputs';
import type { RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

const PARALLEL_READS = 16;

/** Damage is found by whoever reads; what nobody reads before the report is looked at when somebody starts or resumes a run. */
export function createMendActivities(deps: ActivityDeps) {
  return {
    /** Sets aside every damaged output of the run, so that the stages that make it make it again; returns what was damaged. */
    async setDamagedAside({ plan }: PlanRef): Promise<{ readonly damaged: readonly string[] }> {
      return await runActivity(deps, async ({ stop }) => ({ damaged: await setDamagedAside(deps, await deps.plans.load(plan), stop) }));
    },
  };
}

/** The same for a plan. @returns a sentence for each output @throws the signal's reason */
export async function setDamagedAside(
  { stages, log }: Pick<ActivityDeps, 'stages' | 'log'>,
  plan: RunPlan,
  stop: AbortSignal,
): Promise<string[]> {
  const look = async (output: OutputRef): Promise<string[]> => {
    stop.throwIfAborted();
    try {
      const manifest = await stages.latestManifest(output.address);
      if (manifest !== undefined) await stages.check(manifest);
      return [];
    } catch (error) {
      if (!(error instanceof CorruptArtifactError)) throw error;
      await stages.setAside(error);
      log.warn({ ...error.damage.address, file: error.damage.file }, `${error.message}; its manifest is set aside`);
      return [error.message];
    }
  };
  const limit = pLimit(PARALLEL_READS);
  return (await Promise.all(runOutputs(plan).map(async (output) => await limit(async () => await look(output))))).flat();
}
