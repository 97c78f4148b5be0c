import { findingLines, withFindings, type FindingsByModel } from '../config/probe-findings';
import type { ProbeInput, RunOutline } from '../contract/run';
import { addCosts, NO_COST, type Cost } from '../method/cost';
import { probeModels } from '../services/batches/kept-probes';
import { warningNotes } from '../services/batches/probe-notes';
import { stageKeys } from '../stages/chain';
import { extractStage } from '../stages/extract';
import { judgeStage } from '../stages/judge';
import { ownAnswersPlans } from '../stages/own-answers-plan';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** What each endpoint takes and gives, asked where the API keys are, before the first call that a stage pays for. */
export function createProbeModelsActivities(deps: ActivityDeps) {
  return {
    async probeModels({ runId, plan, served, probed: before = NO_COST }: ProbeInput): Promise<Pick<RunOutline, 'plan' | 'probed'>> {
      return await runActivity(deps, async ({ stop }) => {
        if (deps.probes !== true) return { plan };
        const planned = await deps.plans.load(plan);
        const { templates } = planned.content;
        const stored = await storedCalls(deps, planned);
        const { findings: found, cost: own } = await probeModels(planned.spec, {
          endpoints: deps.endpoints,
          store: deps.store,
          templates,
          isKnown: (name) => !stored.lacking.has(name),
          ...(served === undefined ? {} : { served }),
          signal: stop,
        });
        const findings = stored.isExtracted ? withoutBos(found, planned.spec.target.model) : found;
        const cost = addCosts(before, own);
        const probed = await saveProbed(deps, planned, findings);
        await tell(deps, runId, probed, { findings, cost, spec: planned.spec });
        return { plan: probed, probed: cost };
      });
    },
  };
}

/**
 * What of a run's first shards is stored under the keys of its plan, the method's and those of own answers: a model that has answered all of
 * it needs no question.
 */
async function storedCalls(
  { stages }: ActivityDeps,
  plan: RunPlan,
): Promise<{ readonly lacking: ReadonlySet<string>; readonly isExtracted: boolean }> {
  // A damaged output was stored too; whoever reads it says so.
  const isStored = async (output: OutputRef): Promise<boolean> =>
    await stages.findManifest(output).then(
      (found) => found !== undefined,
      () => true,
    );
  const [first] = plan.shards;
  const isExtracted = first !== undefined && (await isStored(extractStage.at(plan, first)));
  const calls: [model: string, isStored: boolean][] = first === undefined ? [] : [[plan.spec.target.model, isExtracted]];
  for (const each of [plan, ...ownAnswersPlans(plan).values()]) {
    const [shard] = each.shards;
    if (shard === undefined) continue;
    const { respond, judge } = each.spec.synthesis;
    for (const generator of respond.generators) {
      calls.push([generator, await isStored(respondStage.at(each, shard, generator))]);
      for (const name of judge.judges) calls.push([name, await isStored(judgeStage.at(each, shard, name, generator))]);
    }
  }
  return { lacking: new Set(calls.filter(([, stored]) => !stored).map(([model]) => model)), isExtracted };
}

/** What is extracted already stays as it is: its prompts were sent with their BOS. */
function withoutBos(findings: FindingsByModel, target: string): FindingsByModel {
  const found = findings[target];
  if (found === undefined) return findings;
  const { addsBos: _addsBos, ...settings } = found.settings;
  return { ...findings, [target]: { ...found, settings } };
}

/** The plan as if the spec had said what was found; the same one where all is as it says. */
async function saveProbed({ plans }: ActivityDeps, plan: RunPlan, findings: FindingsByModel): Promise<string> {
  const spec = withFindings(plan.spec, findings);
  return await plans.save({ ...plan, spec, keys: stageKeys(spec, plan.content) });
}

/** The run's record points to the plan that is followed, and says what was found. */
async function tell(
  { plans }: ActivityDeps,
  runId: string,
  plan: string,
  { findings, cost, spec }: { readonly findings: FindingsByModel; readonly cost: Cost; readonly spec: RunPlan['spec'] },
): Promise<void> {
  const record = await plans.findRun(runId);
  if (record === undefined) return;
  const warnings = Object.entries(findings).flatMap(([name, found]) => [
    ...findingLines(name, found).map(
      (line) => `${line}: found by asking the endpoint, and used; add the line to the spec to say it there.`,
    ),
    ...warningNotes(found.notes, spec.models[name]?.price).map((note) => `models.${name}: ${note}.`),
  ]);
  const others = record.warnings.filter((warning) => !warnings.includes(warning));
  await plans.saveRun({ ...record, plan, probed: cost, warnings: [...others, ...warnings] });
}
