import type { Client } from '@temporalio/client';
import { watchRun } from '../progress/live-view';
import { webUiUrl } from '../server/connect';
import { CliError } from '../terminal/errors';
import { isQuiet, progressStream } from '../terminal/loudness';
import { onStopSignal } from '../terminal/signals';

const POLL_MS = 1_000;

/**
 * Shows a run until it ends. Ctrl-C leaves the run going and ends only the watching.
 * @throws CliError when the run did not succeed, or when the watching was stopped
 */
export async function waitForRun(client: Client, runId: string, signal?: AbortSignal): Promise<void> {
  const stop = signal ?? onStopSignal(() => undefined);
  const end = await watchRun({
    client,
    runId,
    stream: progressStream(),
    isTty: process.stderr.isTTY === true && !isQuiet(),
    signal: stop,
    pollMs: POLL_MS,
    url: webUiUrl(runId),
  });
  if (stop.aborted) {
    throw new CliError(`stopped watching; run "${runId}" goes on`, { hint: `see: npx rehearse status ${runId}`, exitCode: 130 });
  }
  if (end.status !== 'COMPLETED') {
    throw new CliError(
      `run "${runId}" ended as ${end.status.toLowerCase()}${end.failureMessage === undefined ? '' : `: ${end.failureMessage}`}`,
      { hint: `when that is fixed, go on with: npx rehearse resume ${runId}` },
    );
  }
}
