import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { ExperimentResult } from '../../contract/run';
import { isServiceError } from '../server/service-error';
import { CliError } from '../terminal/errors';
import { failureSentence } from '../terminal/failure-sentence';
import { LogLines } from './live-view-lines';
import { renderFrame, Screen } from './live-view-screen';
import { RunReader, type RunProgress } from './run-reader';

export interface WatchOptions {
  readonly client: Client;
  readonly runId: string;
  /** Where the view is drawn; `columns` and `rows` are read where it has them. */
  readonly stream: NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number };
  /** In place on a terminal, as lines elsewhere. */
  readonly isTty: boolean;
  /** Ends the watching; the run goes on. */
  readonly signal: AbortSignal;
  /** Pause between two looks. */
  readonly pollMs: number;
  /** Page of the run in the Web UI. */
  readonly url?: string;
}

/** How a watched run stands at the end of the watching. */
export interface WatchedRun {
  /** RUNNING when the watching was stopped first. */
  readonly status: WorkflowExecutionStatusName;
  readonly result?: ExperimentResult;
  /** Why it did not complete, in one sentence. */
  readonly failureMessage?: string;
}

const FRAME_MS = 250;

/**
 * Shows a run until it ends or `signal` is aborted. A server that does not answer is waited for.
 * @throws CliError when the server has no such run
 */
export async function watchRun(options: WatchOptions): Promise<WatchedRun> {
  const { client, runId, signal, pollMs } = options;
  const view = options.isTty ? screenView(options) : logView(options);
  const reader = new RunReader(client, runId);
  let last: RunProgress | undefined;
  let closedLooks = 0;
  try {
    while (!signal.aborted) {
      try {
        const seen = await look(reader, client, signal);
        // A run that has ended may have no worker left to report its rows.
        last = { ...seen, rows: seen.rows ?? last?.rows ?? null };
        view.show(last);
        // After an outage the last counts may come with the next look; where no worker is left, they do not come at all.
        if (seen.status !== 'RUNNING' && (seen.rows !== null || closedLooks++ > 0)) return await endOf(client, runId, seen.status);
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof WorkflowNotFoundError) {
          throw new CliError(`the server has no run "${runId}"`, { hint: 'see: npx rehearse list', cause: error });
        }
        if (!isUnreachable(error)) throw error;
        // The client has tried for some seconds before it gives up a look.
        view.notice('the Temporal server does not answer; trying again (the run is safe)');
      }
      await sleep(pollMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
    }
    return { status: last?.status ?? 'RUNNING' };
  } finally {
    view.close();
  }
}

/** One look, which an abort ends at once. */
async function look(reader: RunReader, client: Client, signal: AbortSignal): Promise<RunProgress> {
  // The client adds a listener for each of its calls and leaves it there: a signal of its own keeps them from piling up.
  const ending = AbortSignal.any([signal]);
  setMaxListeners(0, ending);
  return await client.withAbortSignal(ending, async () => await reader.read());
}

async function endOf(client: Client, runId: string, status: WorkflowExecutionStatusName): Promise<WatchedRun> {
  try {
    return { status, result: (await client.workflow.getHandle(runId).result()) as ExperimentResult };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { status, failureMessage: failureSentence(error) };
  }
}

/** The transport failed, or the call took too long; anything else is a fault that waiting does not fix. */
function isUnreachable(error: unknown): boolean {
  return isServiceError(error, 'cancelled', 'unknown', 'deadlineExceeded', 'resourceExhausted', 'internal', 'unavailable');
}

interface View {
  show(progress: RunProgress): void;
  notice(text: string): void;
  close(): void;
}

function logView({ stream, runId }: WatchOptions): View {
  const lines = new LogLines();
  let noticed = false;
  return {
    show(progress) {
      noticed = false;
      for (const line of lines.next(progress, Date.now())) stream.write(`${line}\n`);
    },
    notice(text) {
      if (!noticed) stream.write(`${runId}: ${text}\n`);
      noticed = true;
    },
    close: () => undefined,
  };
}

function screenView({ stream, url }: WatchOptions): View {
  const screen = new Screen(stream);
  let progress: RunProgress | undefined;
  let notice: string | undefined;
  const draw = (): void => {
    if (progress === undefined) return;
    const color = process.env['NO_COLOR'] === undefined;
    screen.draw(renderFrame({ progress, nowMs: Date.now(), columns: stream.columns ?? 80, height: stream.rows ?? 24, url, notice, color }));
  };
  // The clock and the time left move between two looks.
  const timer = setInterval(draw, FRAME_MS);
  return {
    show(latest) {
      progress = latest;
      notice = undefined;
      draw();
    },
    notice(text) {
      notice = text;
      draw();
    },
    close() {
      clearInterval(timer);
      screen.close();
    },
  };
}
