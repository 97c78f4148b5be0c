import { setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { unpricedModels } from '../config/models-in-use';
import type { RunSpecInput } from '../config/spec';
import { trainingCostSignal } from '../contract/budget';
import {
  controlQuery,
  drainedSignal,
  pauseRequestSignal,
  pauseUpdate,
  resumeUpdate,
  setBudgetUpdate,
  servedSignal,
  setLimitsUpdate,
  type ControlState,
} from '../contract/control';
import { progressQuery, progressSignal, waiting } from '../contract/progress';
import type { ExperimentResult, RunOutline, VariantResult } from '../contract/run';
import type { RunSettings } from '../contract/run-settings';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../contract/search-attributes';
import { activitiesOn } from './activities';
import { failureNotes, runVariants, variantsFailure, type FailedVariant } from './all-variants';
import { checkBudget, checkLimits, checkPause } from './control/control-requests';
import { untilInputsHold } from './control/lost-inputs';
import { RunControl } from './control/run-control';
import { withServers } from './control/serving';
import { untilHandled } from './control/until-handled';
import { holdOutRows, synthesisRows, variantRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';
import { synthesis } from './synthesis';

const cpu = activitiesOn('cpu');
const llm = activitiesOn('llm');
const gpu = activitiesOn('gpu');

/**
 * The whole method, from a run spec to the report. The workflow id is the run id.
 * @param settings what was set on this run when it ran before; the client's `resume` hands it over
 */
export async function experiment(spec: RunSpecInput, settings?: RunSettings): Promise<ExperimentResult> {
  const runId = workflowInfo().workflowId;
  const { models = {}, budget } = (spec ?? {}) as Partial<RunSpecInput>; // not checked yet
  const progress = new ProgressTable(`Run ${runId}`, []);
  const control = new RunControl({
    models,
    budget,
    settings,
    save: async (changed) =>
      await cpu.saveSettings.executeWithOptions({ summary: 'keep what was set on the run' }, [{ runId, settings: changed }]),
    onPause: (pause) => progress.pause(pause),
  });
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(progressSignal, (update) => {
    progress.apply(update);
    control.book(update.spent);
    const running = update.rows.find((row) => row.state === 'running' && row.stage !== 'select');
    if (running !== undefined) upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: running.stage }]);
  });
  handleControl(control, spec);
  return await untilHandled(async () => await run({ spec, runId, settings, progress, control }));
}

interface Run {
  readonly spec: RunSpecInput;
  readonly runId: string;
  readonly settings: RunSettings | undefined;
  readonly progress: ProgressTable;
  readonly control: RunControl;
}

async function run({ spec, runId, settings, progress, control }: Run): Promise<ExperimentResult> {
  const { work } = control;
  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'prepare' }]);
  const outline = await control.inTurn(
    async () =>
      await work.run(
        async () =>
          await cpu.prepareRun.executeWithOptions({ summary: 'check the spec, plan the stages' }, [
            { runId, spec, ...(settings === undefined ? {} : { settings }) },
          ]),
      ),
  );
  await work.run(async () => await llm.checkKeys.executeWithOptions({ summary: 'are all API keys there?' }, [outline]));
  if (outline.otherTasks === true) {
    await work.run(
      async () => await gpu.checkTasks.executeWithOptions({ summary: 'does lm-evaluation-harness have these tasks?' }, [outline]),
    );
  }

  progress.begin(`Run ${runId}: ${outline.instructions} instructions from ${outline.target}`, [
    ...synthesisRows(outline, outline.instructions),
    ...holdOutRows(outline),
    ...outline.variants.flatMap((variant) => variantRows(outline, variant)),
    waiting('report', '', 1),
  ]);
  upsertSearchAttributes([
    { key: STAGE_ATTRIBUTE, value: 'extract' },
    { key: TARGET_MODEL_ATTRIBUTE, value: outline.target },
  ]);

  // The report reads every row of the run, so that whatever is damaged is found out and mended before the end.
  const { replayRows, results, failed, report } = await untilInputsHold(async () => await stagesOf(control, outline, progress));
  progress.apply({ mode: 'add', rows: [{ ...waiting('report', '', 0), done: 1 }] });
  if (failed.length > 0) throw variantsFailure(outline, failed, report);
  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'done' }]);
  return { runId, replayRows, variants: results, report };
}

interface StagesEnd {
  readonly replayRows: number;
  readonly results: readonly VariantResult[];
  readonly failed: readonly FailedVariant[];
  readonly report: string;
}

async function stagesOf(control: RunControl, outline: RunOutline, progress: ProgressTable): Promise<StagesEnd> {
  const { work, children } = control;
  const { runId } = outline;
  const fetched = await fetchedFirst(control, outline);
  const { stages, replayRows } = await withServers(
    control,
    outline,
    async () =>
      await children.run(synthesis, {
        workflowId: `${runId}/synthesis`,
        input: (order) => ({ ...fetched, order }),
        summary: `${outline.instructions} instructions, ${outline.generators.length} generators, ${outline.judges.length} judges`,
      }),
  );
  // Signals of concurrent shards may arrive out of order; the result is the last word.
  progress.apply({ mode: 'replace', rows: stages });

  if (outline.holdOut !== undefined) {
    const kept = await work.run(
      async () => await cpu.holdOut.executeWithOptions({ summary: 'keep rows back from training' }, [{ runId, plan: outline.plan }]),
    );
    progress.apply({
      mode: 'replace',
      rows: [{ ...waiting('holdout', '', 1), done: 1, state: 'done', note: `${kept.replay} replay + ${kept.new} new` }],
    });
  }
  const { results, failed } = await runVariants(control, outline);

  upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: 'report' }]);
  const { report } = await work.run(
    async () => await cpu.writeReport.executeWithOptions({ summary: 'HTML and Markdown' }, [{ ...outline, failed: failureNotes(failed) }]),
  );
  return { replayRows, results, failed, report };
}

/** Servers may hold every gpu worker while the synthesis runs, so what it wants of that queue is done before. */
async function fetchedFirst({ work }: RunControl, outline: RunOutline): Promise<RunOutline> {
  const { runId, plan, served, filter } = outline;
  if (served === undefined || filter?.fetchDocuments !== true) return outline;
  await work.run(
    async () => await gpu.fetchDocuments.executeWithOptions({ summary: 'the questions of the evaluation sets' }, [{ runId, plan }]),
  );
  return { ...outline, filter: { fetchDocuments: false } };
}

/** As a sentence names them. */
function unpricedNames(spec: RunSpecInput): string[] {
  const { calls, training } = unpricedModels(spec);
  return [...calls, ...training.map((name) => `${name} (trainingUsdPerMillion)`)];
}

/** Updates can come at any time, also before the spec has been checked. */
function handleControl(control: RunControl, spec: RunSpecInput): void {
  const answer = async (change: Promise<void>): Promise<ControlState> => {
    await change;
    return control.state;
  };
  setHandler(controlQuery, () => control.state);
  setHandler(pauseRequestSignal, async (request) => await control.pauseOnRequest(request));
  setHandler(drainedSignal, (drained) => control.children.drained(drained));
  setHandler(servedSignal, async ({ model, baseURL }) => await control.serve(model, baseURL));
  setHandler(trainingCostSignal, async (cost) => await control.bookTraining(cost));
  setHandler(pauseUpdate, async (request?: { readonly reason?: string }) => await answer(control.pause(request?.reason)), {
    validator: checkPause,
  });
  setHandler(resumeUpdate, async () => await answer(control.resume()));
  setHandler(setLimitsUpdate, async (limits) => await answer(control.setLimits(limits)), {
    validator: (limits) => checkLimits(limits, spec.models),
  });
  setHandler(setBudgetUpdate, async (budget) => await answer(control.setBudget(budget)), {
    validator: (budget) => checkBudget(budget, { spent: control.state.spent, unpriced: unpricedNames(spec) }),
  });
}
