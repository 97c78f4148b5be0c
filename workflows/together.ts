import { CancellationScope } from '@temporalio/workflow';

/**
 * Does all works at once. The first failure cancels the others and is thrown when they have ended, so that a workflow
 * that fails leaves nothing running behind it.
 */
export async function together<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
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
