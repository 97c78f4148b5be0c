import { WorkflowFailedError } from '@temporalio/client';

/** The rows of a run's replay set, or the sentence about a model that ended it. */
export async function replayRowsOf(run: Promise<{ readonly replayRows: number }>): Promise<number | string> {
  return await run.then(
    ({ replayRows }) => replayRows,
    (error: unknown) => sentenceOf(error),
  );
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof WorkflowFailedError)) throw error;
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error && !/^model "/.test(cause.message)) ({ cause } = cause);
  return (cause as Error).message;
}
