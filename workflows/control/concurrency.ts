import { CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Runs all works at once. The first failure cancels the others and is thrown when they have ended, so that a workflow that
 * fails leaves nothing running behind it.
 */
export async function failFast<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  const scope = new CancellationScope();
  let failure: { readonly error: unknown } | undefined;
  const ends = await scope.run(
    async () =>
      await Promise.all(
        works.map(async (work) => {
          try {
            return [await work()];
          } catch (error) {
            failure ??= { error };
            scope.cancel();
            return [];
          }
        }),
      ),
  );
  if (failure !== undefined) throw failure.error;
  return ends.flat();
}

/** Runs all works at once, and each to its end, whatever happens to the others. @throws the cancellation, else the first failure, when all have ended */
export async function settleAll(works: readonly (() => Promise<void>)[]): Promise<void> {
  const ends = await Promise.allSettled(works.map(async (work) => await work()));
  const failures = ends.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []));
  if (failures.length > 0) throw failures.find(isCancellation) ?? failures[0];
}
