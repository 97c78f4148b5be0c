import { findingLines, withFindings, type FindingsByModel } from '../config/probe-findings';
import type { PlanRef } from '../contract/run';
import { probeModels } from '../services/batches/kept-probes';
import { stageKeys } from '../stages/chain';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** What each endpoint takes and gives, asked where the API keys are, before the first call that a stage pays for. */
export function createProbeModelsActivities(deps: ActivityDeps) {
  return {
    async probeModels({ runId, plan }: PlanRef): Promise<{ readonly plan: string }> {
      return await runActivity(deps, async ({ stop }) => {
        if (deps.probes !== true) return { plan };
        const planned = await deps.plans.load(plan);
        const { templates } = planned.content;
        const findings = await probeModels(planned.spec, { endpoints: deps.endpoints, store: deps.store, templates, signal: stop });
        const probed = await saveProbed(deps, planned, findings);
        await tell(deps, runId, probed, findings);
        return { plan: probed };
      });
    },
  };
}

/** The plan as if the spec had said what was found; the same one where all is as it says. */
async function saveProbed({ plans }: ActivityDeps, plan: RunPlan, findings: FindingsByModel): Promise<string> {
  const spec = withFindings(plan.spec, findings);
  return await plans.save({ ...plan, spec, keys: stageKeys(spec, plan.content) });
}

/** The run's record points to the plan that is followed, and says what was found. */
async function tell({ plans }: ActivityDeps, runId: string, plan: string, findings: FindingsByModel): Promise<void> {
  const record = await plans.findRun(runId);
  if (record === undefined) return;
  const warnings = Object.entries(findings).flatMap(([name, found]) => [
    ...findingLines(name, found).map(
      (line) => `${line}: found by asking the endpoint, and used; add the line to the spec to say it there.`,
    ),
    ...found.notes.map((note) => `models.${name}: ${note}.`),
  ]);
  const others = record.warnings.filter((warning) => !warnings.includes(warning));
  await plans.saveRun({ ...record, plan, warnings: [...others, ...warnings] });
}
