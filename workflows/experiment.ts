import { ApplicationFailure, patched } from '@temporalio/workflow';
import type { RunSpecInput } from '../config/spec';
import type { FailureType } from '../contract/failures';
import type { ExperimentResult, RunOutline, VariantResult } from '../contract/run';
import type { RunSettings } from '../contract/run-settings';
import type { SynthesisResult } from '../contract/workflows';
import { activitiesOn } from './activities';
import { failureNotes, runVariants, variantsFailure, type FailedVariant } from './all-variants';
import { rerunOnLostInput } from './control/lost-inputs';
import type { RunControl } from './control/run-control';
import { withServers } from './control/serving';
import { untilHandled } from './control/until-handled';
import { ExperimentRun } from './experiment-run';
import { renderedFirst } from './new-data';
import { synthesis } from './synthesis';

/** Patch id: runs that began before it do not ask their endpoints what they take. */
const PROBED = 'probe of endpoints';

/** Patch id: runs that began before it do not ask what the models take that they serve themselves. */
const PROBED_SERVED = 'probe of served models';

const cpu = activitiesOn('cpu');
const llm = activitiesOn('llm');
const gpu = activitiesOn('gpu');

/**
 * The whole method, from a run spec to the report. The workflow id is the run id.
 * @param spec not checked yet
 * @param settings what was set on this run when it ran before; the client's `resume` passes it
 * @throws ApplicationFailure `VariantsFailedError`, when some variants failed and the others are in the report
 */
export async function experiment(spec: RunSpecInput, settings?: RunSettings): Promise<ExperimentResult> {
  const run = new ExperimentRun(spec, settings);
  return await untilHandled(async () => await run.untilEnd(async () => await method(run)));
}

async function method(run: ExperimentRun): Promise<ExperimentResult> {
  const { runId, spec, settings, control } = run;
  const { work } = control;
  run.enter('prepare');
  const planned = { runId, spec, ...(settings === undefined ? {} : { settings }) };
  const prepared = await control.inTurn(async () => await work.runActivity(cpu.prepareRun, 'check the spec, plan the stages', planned));
  await work.runActivity(llm.checkKeys, 'are all API keys there?', prepared);
  await renderedFirst(control, prepared);
  const outline = settings?.probe !== false && patched(PROBED) ? await probed(run, prepared) : prepared;
  if (outline.otherTasks === true) await work.runActivity(gpu.checkTasks, 'does lm-evaluation-harness have these tasks?', outline);
  if (outline.trackers === true) await work.runActivity(gpu.checkTrackers, 'are the trackers installed?', outline);
  run.begin(outline);
  let followed = outline;
  const follow = (next: RunOutline): void => {
    followed = next;
    run.mending.follow(next);
  };

  // The report reads every row of the run, so that whatever is damaged is found and repaired before the end.
  const { replayRows, results, failed, report } = await rerunOnLostInput(
    async () => await run.mending.watch(followed, async () => await stages(run, followed, follow)),
  );
  run.endReport();
  if (failed.length > 0) throw variantsFailure(outline, failed, report);
  run.enter('done');
  return { runId, replayRows, variants: results, report };
}

/** The run follows the plan with what its endpoints were found to want. */
async function probed({ control: { work } }: ExperimentRun, outline: RunOutline): Promise<RunOutline> {
  const { runId, plan } = outline;
  return { ...outline, ...(await work.runActivity(llm.probeModels, 'what do the endpoints take?', { runId, plan })) };
}

/** The same of the models that the run serves, as soon as each is up. */
async function probedServed({ settings, control: { work } }: ExperimentRun, outline: RunOutline): Promise<RunOutline> {
  const { runId, served = [] } = outline;
  if (served.length === 0 || settings?.probe === false || !patched(PROBED_SERVED)) return outline;
  let asked = outline;
  for (const model of served) {
    const ask = async (baseURL: string | undefined): Promise<Pick<RunOutline, 'plan' | 'probed'>> => {
      const { plan, probed } = asked;
      if (baseURL === undefined) return { plan };
      const input = { runId, plan, served: { model, baseURL }, ...(probed === undefined ? {} : { probed }) };
      return await llm.probeModels.executeWithOptions({ summary: `what does ${model} take?` }, [input]);
    };
    asked = { ...asked, ...(await work.run(async (_limits, baseURL) => await ask(baseURL), { model })) };
  }
  return asked;
}

/** Marks in a history that a run without a replay row fails. */
const NO_REPLAY_ROWS = 'no-replay-rows';

function noReplayRows({ runId, instructions }: RunOutline, { stages: rows }: SynthesisResult): ApplicationFailure {
  const lost = rows
    .filter(({ failed, stage }) => failed > 0 && stage !== 'select')
    .map(({ stage, model, failed, total }) => `${stage}${model === '' ? '' : ` by ${model}`} lacks ${failed} of ${total}`);
  return ApplicationFailure.nonRetryable(
    `no row of the replay set came of ${instructions} instructions${lost.length === 0 ? '' : `: ${lost.join(', ')}`}; ` +
      `see why each was lost: npx rehearse export ${runId} --stage failures`,
    'NoReplayRowsError' satisfies FailureType,
  );
}

interface StagesEnd {
  readonly replayRows: number;
  readonly results: readonly VariantResult[];
  readonly failed: readonly FailedVariant[];
  readonly report: string;
}

/** @param follow told of the plan that the stages follow from then on */
async function stages(run: ExperimentRun, planned: RunOutline, follow: (outline: RunOutline) => void): Promise<StagesEnd> {
  const { control, runId } = run;
  let outline = planned;
  const { work, children } = control;
  const fetched = await fetchedFirst(control, outline);
  if (outline.ownAnswers !== undefined) {
    await work.runActivity(cpu.drawPrompts, 'prompts for the target’s own answers', { runId, plan: outline.plan });
  }
  const synthesised = await withServers(control, planned, async () => {
    const { plan, probed } = await probedServed(run, fetched);
    outline = { ...planned, plan, ...(probed === undefined ? {} : { probed }) };
    follow(outline);
    return await children.run(synthesis, {
      workflowId: `${runId}/synthesis`,
      input: (order) => ({ ...fetched, plan, ...(probed === undefined ? {} : { probed }), order }),
      summary: `${outline.instructions} instructions, ${outline.generators.length} generators, ${outline.judges.length} judges`,
    });
  });
  run.endSynthesis(synthesised);
  // Nothing can be mixed or trained; a run that an earlier release began ends as it would have ended there.
  if (synthesised.replayRows === 0 && patched(NO_REPLAY_ROWS)) throw noReplayRows(outline, synthesised);

  if (outline.holdOut !== undefined) {
    run.endHoldOut(await work.runActivity(cpu.holdOut, 'hold rows out from training', { runId, plan: outline.plan }));
  }
  const { results, failed } = await runVariants(control, outline);

  run.enter('report');
  const { report } = await work.runActivity(cpu.writeReport, 'HTML and Markdown', { ...outline, failed: failureNotes(failed) });
  return { replayRows: synthesised.replayRows, results, failed, report };
}

/** Servers may hold every gpu worker while the synthesis runs, so what it needs of that queue is done before. */
async function fetchedFirst({ work }: RunControl, outline: RunOutline): Promise<RunOutline> {
  const { runId, plan, served, filter } = outline;
  if (served === undefined || filter?.fetchDocuments !== true) return outline;
  await work.runActivity(gpu.fetchDocuments, 'the questions of the evaluation sets', { runId, plan });
  return { ...outline, filter: { fetchDocuments: false } };
}
