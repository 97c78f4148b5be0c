import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { RunSpec } from '../../config/spec';
import { mendSignal, type Pause } from '../../contract/control';
import type { RunSettings } from '../../contract/run-settings';
import { TASK_QUEUES } from '../../contract/task-queues';
import { canonicalJson } from '../../method/canonical-json';
import type { experiment } from '../../workflows';
import { pauseOf } from '../server/run-pause';
import { CliError } from '../terminal/errors';

export interface StartedRun {
  readonly workflowRunId: string;
  /** attached: it was running already, with this very spec. */
  readonly state: 'started' | 'attached';
  /** Of a run that was running already. */
  readonly paused: Pause | null;
}

const SPEC_MEMO = 'spec';

/**
 * Starts the run, or attaches to the one that is running under this id with the same spec.
 * @param settings what was set on this run when it ran before
 * @throws CliError when another spec is running under this id
 */
export async function startRun(client: Client, runId: string, spec: RunSpec, settings?: RunSettings): Promise<StartedRun> {
  const fingerprint = canonicalJson(JSON.parse(JSON.stringify(spec)));
  const running = await findRunning(client, runId);
  // A run that another client started carries no fingerprint; it is attached to as it is.
  if (running?.spec !== undefined && running.spec !== fingerprint) {
    throw new CliError(`run "${runId}" is running with another spec`, {
      hint: `choose another --id, or stop it first: npx rehearse cancel ${runId}`,
    });
  }
  const handle = await client.workflow.start<typeof experiment>('experiment', {
    workflowId: runId,
    taskQueue: TASK_QUEUES.orchestration,
    args: settings === undefined ? [spec] : [spec, settings],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    memo: { [SPEC_MEMO]: fingerprint },
    staticSummary: `${spec.synthesis.extract.instructions} instructions from ${spec.target.model}, ${Math.round(spec.mix.newShare * 100)} % new data`,
  });
  if (running !== undefined) await handle.signal(mendSignal);
  return {
    workflowRunId: handle.firstExecutionRunId,
    state: running === undefined ? 'started' : 'attached',
    paused: running?.paused ?? null,
  };
}

/** The run that is open under this id, with the canonical JSON of its spec where our client started it. */
async function findRunning(
  client: Client,
  runId: string,
): Promise<{ readonly spec: string | undefined; readonly paused: Pause | null } | undefined> {
  try {
    const { status, memo } = await client.workflow.getHandle(runId).describe();
    if (status.name !== 'RUNNING') return undefined;
    const spec = memo?.[SPEC_MEMO];
    return { spec: typeof spec === 'string' ? spec : undefined, paused: pauseOf(memo) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
