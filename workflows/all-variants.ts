import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { FailureType } from '../contract/failures';
import type { FailedVariantNote, RunOutline, VariantOutline, VariantResult } from '../contract/run';
import { isInputLost } from './control/lost-inputs';
import type { RunControl } from './control/run-control';
import { variantSummary } from './replay-sets';
import { variant as variantWorkflow } from './variant';

/** A variant that failed, and why. */
export interface FailedVariant {
  readonly name: string;
  readonly reason: unknown;
}

/**
 * Runs every variant to its end: one that fails does not end the others.
 * @throws the cancellation, when the run is cancelled; the failure of a variant whose stored inputs have to be recomputed
 */
export async function runVariants(
  control: RunControl,
  outline: RunOutline,
): Promise<{ readonly results: VariantResult[]; readonly failed: FailedVariant[] }> {
  const runs = new Map<string, Promise<VariantResult>>();
  for (const variant of outline.variants) {
    if (variant.after === undefined) runs.set(variant.name, runVariant(control, outline, variant));
  }
  const ends = await Promise.allSettled(
    outline.variants.map(
      async (variant) => await (runs.get(variant.name) ?? runAfter(runs.get(variant.after!), control, outline, variant)),
    ),
  );
  const failed = ends.flatMap((end, index): FailedVariant[] =>
    end.status === 'rejected' ? [{ name: outline.variants[index]!.name, reason: end.reason }] : [],
  );
  const end = failed.find(({ reason }) => isCancellation(reason)) ?? failed.find(({ reason }) => isInputLost(reason));
  if (end !== undefined) throw end.reason;
  return { results: ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])), failed };
}

/** A variant that is made from another one's weights waits for it; where that one fails, it says so. */
async function runAfter(
  other: Promise<VariantResult> | undefined,
  control: RunControl,
  outline: RunOutline,
  variant: VariantOutline,
): Promise<VariantResult> {
  try {
    await other;
  } catch (error) {
    if (isCancellation(error) || isInputLost(error)) throw error;
    throw ApplicationFailure.nonRetryable(`the row ${variant.after}, from whose weights it is made, has failed`);
  }
  return await runVariant(control, outline, variant);
}

async function runVariant({ children }: RunControl, outline: RunOutline, variant: VariantOutline): Promise<VariantResult> {
  return await children.run(variantWorkflow, {
    workflowId: `${outline.runId}/variant-${variant.name}`,
    input: (order) => ({ ...outline, variant, order }),
    summary: variantSummary(variant.replay),
  });
}

/** Failed variants as the report lists them. */
export function failureNotes(failed: readonly FailedVariant[]): FailedVariantNote[] {
  return failed.map(({ name, reason }) => ({ name, reason: rootCause(reason) }));
}

/** The failure that ends a run of which some variants failed; the others are in its report. */
export function variantsFailure(outline: RunOutline, failed: readonly FailedVariant[], report: string): ApplicationFailure {
  const why = failureNotes(failed)
    .map(({ name, reason }) => `${name} (${reason})`)
    .join('; ');
  return ApplicationFailure.create({
    type: 'VariantsFailedError' satisfies FailureType,
    nonRetryable: true,
    message: `${failed.length} of ${outline.variants.length} variants failed: ${why}; the others are in ${report}; remove the cause, and "rehearse resume ${outline.runId}" repeats only what is missing`,
    ...(failed[0]?.reason instanceof Error ? { cause: failed[0].reason } : {}),
  });
}

/** The message that matters; each layer of Temporal wraps it once. */
function rootCause(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
