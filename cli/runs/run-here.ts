import { resumeUpdate } from '../../contract/control';
import { loadSpecFile } from '../../services/runs/spec-files';
import { connect, webUiUrl } from '../server/connect';
import { startLocalStack, workersEnded } from '../server/local-stack';
import { CliError } from '../terminal/errors';
import { setUpReporter } from '../terminal/loudness';
import { onStopSignal } from '../terminal/signals';
import { steerRun } from './control-run';
import { startRun } from './start-run';
import { waitForRun } from './wait-for-run';

export interface RunHere {
  readonly runId: string;
  /** A spec file or preset whose models are all the local one. */
  readonly spec: string;
  /** Command that goes on with it. */
  readonly again: string;
  /** What to say at its end. @param uiUrl the Web UI's own, undefined with a server of the user's */
  readonly summary: (uiUrl: string | undefined) => Promise<string>;
}

/**
 * Sets up what a run on this machine needs, runs it on the local model to its end, and stops what it started.
 * @throws CliError when it fails or is stopped
 */
export async function runHere({ runId, spec: file, again, summary }: RunHere): Promise<void> {
  const stop = onStopSignal(() => process.stderr.write('\nstopping: finishing the calls in flight (Ctrl-C again ends at once)\n'));
  const spec = await loadSpecFile(file);
  const stack = await startLocalStack(setUpReporter());
  const failed = new AbortController();
  void stack.workerEnded.then((how) => failed.abort(workersEnded(how, again)));
  try {
    const { client, connection } = await connect();
    const models = Object.fromEntries(
      Object.entries(spec.models).map(([name, model]) => [name, { ...model, baseURL: stack.modelBaseURL }]),
    );
    const started = await startRun(client, runId, { ...spec, models });
    process.stderr.write(
      `run "${runId}" ${started.state === 'attached' ? 'goes on' : 'has started'}: ${stack.uiUrl === undefined ? '' : (webUiUrl(runId) ?? '')}\n\n`,
    );
    if (started.paused !== null) await steerRun(client, runId, async (run) => await run.executeUpdate(resumeUpdate));
    await waitForRun(client, runId, AbortSignal.any([stop, failed.signal]));
    await connection.close();
    process.stdout.write(await summary(stack.uiUrl));
  } catch (error) {
    if (stop.aborted) {
      throw new CliError('stopped; what is finished is stored', { hint: `go on with: ${again}`, exitCode: 130, cause: error });
    }
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await stack.stop();
  }
}

/** Where the Web UI shows a run, for a summary. */
export function webUiNote(runId: string, uiUrl: string | undefined): string {
  return uiUrl === undefined ? 'on your server' : `${webUiUrl(runId) ?? uiUrl}  (bring it back with: npx rehearse dev)`;
}
