import { upsertSearchAttributes } from '@temporalio/workflow';
import { type ProgressStage, type StageProgress, waiting } from '../contract/progress';
import type { VariantRef } from '../contract/run';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../contract/search-attributes';
import type { VariantInput } from '../contract/workflows';
import { Descendant } from './control/descendant';
import { variantRows } from './progress/progress-rows';

/** State of a variant: its progress, which the run is told stage by stage. */
export class VariantRun extends Descendant {
  readonly ref: VariantRef;

  constructor(readonly input: VariantInput) {
    const { runId, plan, order, variant } = input;
    super({ runId, order, heading: `Variant ${variant.name}`, rows: variantRows(input, variant) });
    this.ref = { runId, plan, variant: variant.name };
    this.followOrders();
  }

  /** A stage begins. */
  async begin(stage: ProgressStage): Promise<void> {
    upsertSearchAttributes([
      { key: STAGE_ATTRIBUTE, value: stage },
      { key: TARGET_MODEL_ATTRIBUTE, value: this.input.target },
    ]);
    const rows = this.progress.snapshot().filter((row) => row.stage === stage);
    await this.tell(rows.map((row) => ({ ...row, state: 'running' as const })));
  }

  /**
   * All of a row is done.
   * @param row what it counts; its model is the variant's name where it says nothing else
   * @param note what came of it, for people
   */
  end(row: { readonly stage: ProgressStage; readonly model?: string; readonly items?: number }, note: string): Promise<void> {
    const { stage, model = this.ref.variant, items = 1 } = row;
    return this.tell([{ ...waiting(stage, model, items), done: items, state: 'done', note }]);
  }

  private async tell(rows: readonly StageProgress[]): Promise<void> {
    this.progress.apply({ mode: 'replace', rows });
    await this.root.report({ mode: 'replace', rows });
  }
}
