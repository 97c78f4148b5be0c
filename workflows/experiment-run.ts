import { isCancellation, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RunSpecInput } from '../config/spec';
import { mendSignal } from '../contract/control';
import type { HoldOutOutcome } from '../contract/outcomes';
import { progressQuery, progressSignal, waiting, type ProgressStage } from '../contract/progress';
import { mixtureNote } from '../contract/progress-notes';
import type { RunOutline } from '../contract/run';
import type { RunSettings } from '../contract/run-settings';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../contract/search-attributes';
import type { SynthesisResult } from '../contract/workflows';
import { activitiesOn } from './activities';
import { handleControl } from './control/control-handlers';
import { Mending } from './control/mending';
import { RunControl } from './control/run-control';
import { runRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';
import { causeOf, RunNotices } from './run-notices';

const cpu = activitiesOn('cpu');

/** State of a run: its progress, and its control, which descendants and people reach from the beginning on. */
export class ExperimentRun {
  readonly runId = workflowInfo().workflowId;
  readonly control: RunControl;
  readonly notices = new RunNotices();
  readonly mending: Mending;
  private readonly progress: ProgressTable;

  /** @param spec not checked yet @param settings what was set on this run when it ran before */
  constructor(
    readonly spec: RunSpecInput,
    readonly settings: RunSettings | undefined,
  ) {
    const { runId } = this;
    const { models = {}, budget } = (spec ?? {}) as Partial<RunSpecInput>;
    const progress = new ProgressTable(`Run ${runId}`, []);
    const control = new RunControl({
      models,
      budget,
      settings,
      save: async (changed) =>
        await cpu.saveSettings.executeWithOptions({ summary: 'keep what was set on the run' }, [{ runId, settings: changed }]),
      onPause: (pause) => {
        progress.pause(pause);
        this.notices.onPause(pause);
      },
    });
    this.progress = progress;
    this.control = control;
    this.mending = new Mending(control.work);
    setHandler(progressQuery, () => progress.snapshot());
    setHandler(mendSignal, async () => await this.mending.look());
    setHandler(progressSignal, (update) => {
      progress.apply(update);
      control.book(update.spent);
      const running = update.rows.find((row) => row.state === 'running' && row.stage !== 'select');
      if (running !== undefined) this.enter(running.stage);
    });
    handleControl(control, spec);
  }

  /** Runs the whole of a run, and says how it ended: to whom notices go to, and, where it failed, above its table. */
  async untilEnd<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.notices.untilEnd(work);
    } catch (error) {
      if (!isCancellation(error)) this.progress.fail(causeOf(error));
      throw error;
    }
  }

  /** The run is at this stage now. */
  enter(stage: ProgressStage): void {
    upsertSearchAttributes([{ key: STAGE_ATTRIBUTE, value: stage }]);
  }

  /** The run is planned: its stages are known, and it is at the first. */
  begin(outline: RunOutline): void {
    this.notices.begin(outline.notify === true);
    this.progress.begin(`Run ${this.runId}: ${outline.instructions} instructions from ${outline.target}`, runRows(outline));
    upsertSearchAttributes([
      { key: STAGE_ATTRIBUTE, value: 'extract' },
      { key: TARGET_MODEL_ATTRIBUTE, value: outline.target },
    ]);
  }

  /** Signals of concurrent shards may arrive out of order; the result of the synthesis is final. */
  endSynthesis({ stages }: SynthesisResult): void {
    this.progress.apply({ mode: 'replace', rows: stages });
  }

  endHoldOut(outcome: HoldOutOutcome): void {
    this.progress.apply({ mode: 'replace', rows: [{ ...waiting('holdout', '', 1), done: 1, state: 'done', note: mixtureNote(outcome) }] });
  }

  endReport(): void {
    this.progress.apply({ mode: 'add', rows: [{ ...waiting('report', '', 0), done: 1 }] });
  }
}
