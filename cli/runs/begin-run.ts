import type { RunSpec } from '../../config/spec';
import { pauseAdvice } from '../../contract/control';
import type { RunSettings } from '../../contract/run-settings';
import { webUiUrl, withClient } from '../server/connect';
import { isQuiet } from '../terminal/loudness';
import { oneLine, printJson } from '../terminal/output';
import { settingsText } from './settings-text';
import { startTraced } from './start-traced';
import { waitForRun } from './wait-for-run';

export interface BeginOptions {
  readonly wait?: boolean;
  readonly json?: boolean;
}

export interface RunToBegin {
  readonly runId: string;
  readonly spec: RunSpec;
  /** What was set on this run when it ran before. */
  readonly settings?: RunSettings;
}

/** Starts a run, or attaches to the running one, and says so; with `wait`, shows it to its end. */
export async function beginRun({ runId, spec, settings }: RunToBegin, options: BeginOptions): Promise<void> {
  await withClient(async ({ client, namespace }) => {
    const { state, workflowRunId, paused } = await startTraced(client, runId, spec, settings);
    if (options.json) printJson({ runId, workflowRunId, state });
    else {
      process.stdout.write(state === 'attached' ? `run ${runId} is running already\n` : `run ${runId} has started\n`);
      if (paused !== null) process.stdout.write(`  but it is paused: ${oneLine(paused.reason, 600)}; ${pauseAdvice(runId, paused)}\n`);
      if (state === 'started' && settings !== undefined) {
        for (const line of settingsText(settings)) process.stdout.write(`  still set: ${line}\n`);
      }
      sayWhereToLook(runId, namespace, workflowRunId);
    }
    if (options.wait) await waitForRun(client, runId);
  });
}

/** How to watch a run. */
export function sayWhereToLook(runId: string, namespace?: string, workflowRunId?: string): void {
  if (isQuiet()) return;
  process.stdout.write(`  watch it:  npx rehearse status ${runId} --watch\n`);
  const url = webUiUrl(runId, namespace, workflowRunId);
  if (url !== undefined) process.stdout.write(`  Web UI:    ${url}\n`);
}
