import { validateRunId } from '../../config/load-spec';
import { nearestNames } from '../../method/nearest-names';
import type { PlanStore, RunRecord } from '../../services/store/plan-store';
import type { RunPlan } from '../../stages/run-plan';
import { CliError } from '../terminal/errors';

export interface StoredRun {
  readonly record: RunRecord;
  readonly plan: RunPlan;
}

const NAMES_SHOWN = 5;

/** A run that was planned in this store. @throws CliError that names the runs there are; SpecError on a malformed id */
export async function loadStoredRun(plans: PlanStore, runId: string): Promise<StoredRun> {
  const record = await plans.findRun(validateRunId(runId));
  if (record === undefined) throw new CliError(`no run "${runId}" is stored here`, { hint: await suggestRuns(plans, runId) });
  return { record, plan: await plans.load(record.plan) };
}

/** What to say when a run id is unknown. */
export async function suggestRuns(plans: PlanStore, runId: string): Promise<string> {
  const known = await plans.listRuns();
  if (known.length === 0) {
    return 'no run is stored here yet: start one with "npx rehearse start SPEC", or set REHEARSE_HOME to where the runs are';
  }
  const near = nearestNames(runId, known);
  if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
  const more = known.length > NAMES_SHOWN ? ` and ${known.length - NAMES_SHOWN} more (see "npx rehearse list")` : '';
  return `the runs are ${known.slice(0, NAMES_SHOWN).join(', ')}${more}`;
}
