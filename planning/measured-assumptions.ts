import type { AssumptionName } from './cost-assumptions';

/** What was measured of a stage's calls, all models together. */
export interface MeasuredStage {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Texts that came of it: instructions, responses, judgments. */
  readonly texts: number;
}

/**
 * Assumptions of a cost plan, replaced by what some calls took. Left out is what was not measured, and what an endpoint does not tell
 * (no tokens at all).
 */
export function measuredAssumptions(stages: readonly MeasuredStage[]): Partial<Record<AssumptionName, number>> {
  const mean = (stage: MeasuredStage['stage'], of: 'promptTokens' | 'completionTokens'): number | undefined => {
    const own = stages.filter((each) => each.stage === stage);
    const texts = own.reduce((sum, each) => sum + each.texts, 0);
    const tokens = own.reduce((sum, each) => sum + each[of], 0);
    return texts === 0 || tokens === 0 ? undefined : Math.round(tokens / texts);
  };
  const measured: Partial<Record<AssumptionName, number | undefined>> = {
    preQueryTokens: mean('extract', 'promptTokens'),
    instructionTokens: mean('extract', 'completionTokens'),
    responseTokens: mean('respond', 'completionTokens'),
    justificationTokens: mean('judge', 'completionTokens'),
  };
  return Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== undefined)) as Partial<Record<AssumptionName, number>>;
}
