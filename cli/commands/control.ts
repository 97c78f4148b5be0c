import { WorkflowNotFoundError } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import type { ModelLimits } from '../../config/spec';
import { pauseAdvice, pauseUpdate, resumeUpdate, setBudgetUpdate, setLimitsUpdate, type ControlState } from '../../contract/control';
import { formatCount, formatUsd } from '../../contract/figures';
import type { BudgetSetting } from '../../contract/run-settings';
import { openStore } from '../../services/runs/open-store';
import { beginRun, sayWhereToLook, type BeginOptions } from '../runs/begin-run';
import { steerRun } from '../runs/control-run';
import { settingsText } from '../runs/settings-text';
import { loadStoredRun } from '../runs/stored-run';
import { waitForRun } from '../runs/wait-for-run';
import { connect, type Connected } from '../server/connect';
import { pauseOf } from '../server/run-pause';
import { CliError } from '../terminal/errors';
import { oneLine, printJson } from '../terminal/output';

/** `rehearse pause`: holds a running run. */
export function registerPause(program: Command): void {
  program
    .command('pause')
    .description('hold a running run: its batches finish and store the calls in flight, and a training saves a checkpoint')
    .argument('<id>', 'run id')
    .option('--reason <text>', 'why, for those who see it')
    .option('--json', 'print the state as JSON')
    .addHelpText('after', '\nNothing is lost or paid twice. "resume" goes on; "cancel" works on a paused run too.')
    .action(async (id: string, { reason, json }: { reason?: string; json?: boolean }) => {
      const runId = validateRunId(id);
      const state = await withClient(
        async ({ client }) =>
          await steerRun(
            client,
            runId,
            async (run) => await run.executeUpdate(pauseUpdate, { args: [reason === undefined ? {} : { reason }] }),
          ),
      );
      if (json) printJson({ runId, ...state });
      else process.stdout.write(`run ${runId} is paused: ${oneLine(state.reason ?? '', 600)}; ${pauseAdvice(runId, { by: 'user' })}\n`);
    });
}

/** `rehearse resume`: lets a paused run go on, or starts one again that has ended. */
export function registerResume(program: Command): void {
  program
    .command('resume')
    .description('let a paused run go on; or start a failed, cancelled, timed-out or terminated one again from what is stored')
    .argument('<id>', 'run id')
    .option('--wait', 'show the run until it ends, and exit 0 only when it succeeded')
    .option('--json', 'print {runId, workflowRunId, state} as JSON')
    .addHelpText('after', '\nFinished work is not repeated. What was set on the run with "set" still holds.')
    .action(async (id: string, options: BeginOptions) => {
      await resume(validateRunId(id), options);
    });
}

async function resume(runId: string, options: BeginOptions): Promise<void> {
  const running = await withClient(async (connected) => await runningRun(connected, runId));
  if (running === undefined) {
    const { plans } = openStore();
    const { plan } = await loadStoredRun(plans, runId);
    await beginRun({ runId, spec: plan.spec, settings: await plans.findSettings(runId) }, options);
    return;
  }
  const { client, connection } = await connect();
  try {
    await steerRun(client, runId, async (run) => await run.executeUpdate(resumeUpdate));
    if (options.json) printJson({ runId, workflowRunId: running.workflowRunId, state: running.paused ? 'resumed' : 'attached' });
    else {
      process.stdout.write(running.paused ? `run ${runId} goes on\n` : `run ${runId} is running already, and not paused\n`);
      sayWhereToLook(runId);
    }
    if (options.wait) await waitForRun(client, runId);
  } finally {
    await connection.close();
  }
}

async function runningRun(
  { client }: Connected,
  runId: string,
): Promise<{ readonly workflowRunId: string; readonly paused: boolean } | undefined> {
  try {
    const { status, memo, runId: workflowRunId } = await client.workflow.getHandle(runId).describe();
    return status.name === 'RUNNING' ? { workflowRunId, paused: pauseOf(memo) !== null } : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

interface SetOptions {
  readonly concurrency?: Readonly<Record<string, number>>;
  readonly rpm?: Readonly<Record<string, number | null>>;
  readonly tpm?: Readonly<Record<string, number | null>>;
  readonly budgetUsd?: number | null;
  readonly budgetTokens?: number | null;
  readonly json?: boolean;
}

/** `rehearse set`: other limits and another budget for a running run. */
export function registerSet(program: Command): void {
  program
    .command('set')
    .description("change a running run's limits and budget; they hold within seconds, and after a resume too")
    .argument('<id>', 'run id')
    .option('--concurrency <model=n>', 'most requests in flight at the endpoint of a model; repeatable', perModel(false))
    .option('--rpm <model=n>', 'requests a minute, or MODEL=none; repeatable', perModel(true))
    .option('--tpm <model=n>', 'tokens a minute, or MODEL=none; repeatable', perModel(true))
    .option('--budget-usd <n>', 'most that all model calls of the synthesis may cost, in dollars; none for no limit', amount)
    .option('--budget-tokens <n>', 'the same in tokens, of prompts and replies together', amount)
    .option('--json', 'print the state as JSON')
    .addHelpText(
      'after',
      `
A run that is paused because its budget is reached goes on when it is raised.
MODEL is a name under the spec's "models". Models that share an endpoint share its limits.

Examples: npx rehearse set my-run --concurrency gpt-4=64 --rpm gpt-4=none
          npx rehearse set my-run --budget-usd 250`,
    )
    .action(async (id: string, options: SetOptions) => {
      await set(validateRunId(id), options);
    });
}

async function set(runId: string, { concurrency = {}, rpm = {}, tpm = {}, budgetUsd, budgetTokens, json }: SetOptions): Promise<void> {
  const limits: Record<string, ModelLimits> = {};
  const add = (model: string, change: ModelLimits): void => {
    limits[model] = { ...limits[model], ...change };
  };
  for (const [model, value] of Object.entries(concurrency)) add(model, { concurrency: value });
  for (const [model, value] of Object.entries(rpm)) add(model, { requestsPerMinute: value });
  for (const [model, value] of Object.entries(tpm)) add(model, { tokensPerMinute: value });
  const budget: BudgetSetting = {
    ...(budgetUsd === undefined ? {} : { usd: budgetUsd }),
    ...(budgetTokens === undefined ? {} : { tokens: budgetTokens }),
  };
  const [hasLimits, hasBudget] = [limits, budget].map((given) => Object.keys(given).length > 0);
  if (!hasLimits && !hasBudget) {
    throw new CliError('there is nothing to set', {
      hint: 'name at least one of --concurrency, --rpm, --tpm, --budget-usd, --budget-tokens',
    });
  }
  const state = await withClient(async ({ client }) => {
    const set = hasLimits
      ? await steerRun(client, runId, async (run) => await run.executeUpdate(setLimitsUpdate, { args: [limits] }))
      : undefined;
    return hasBudget ? await steerRun(client, runId, async (run) => await run.executeUpdate(setBudgetUpdate, { args: [budget] })) : set;
  });
  if (json) printJson({ runId, ...state });
  else if (state !== undefined) for (const line of stateText(state)) process.stdout.write(`${line}\n`);
}

/** What holds now, a line each. */
function stateText(state: ControlState): string[] {
  const { usd, tokens } = state.budget;
  const { spent } = state;
  return [
    ...settingsText({ limits: state.limits }),
    ...(usd === undefined ? [] : [`budget: $${usd}, of which ${formatUsd(spent.usd)} is spent as far as finished shards tell`]),
    ...(tokens === undefined
      ? []
      : [`budget: ${formatCount(tokens)} tokens, of which ${formatCount(spent.tokens)} are spent as far as finished shards tell`]),
  ];
}

/** A positive number, or `none`. */
function amount(text: string): number | null {
  if (text === 'none') return null;
  const value = Number(text);
  if (!/^[\d.]+$/.test(text) || !(value > 0)) throw new InvalidArgumentError('Give a number above 0, or "none" for no limit.');
  return value;
}

/** Collects `MODEL=N` of an option that may be given several times. */
function perModel(canLift: boolean) {
  return (text: string, before: Readonly<Record<string, number | null>> = {}): Record<string, number | null> => {
    const [, model, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (model === undefined || value === undefined) throw new InvalidArgumentError(`Give MODEL=N, such as gpt-4=16.`);
    if (canLift && value === 'none') return { ...before, [model]: null };
    if (!/^\d+$/.test(value)) throw new InvalidArgumentError(`Give a whole number${canLift ? ', or "none" for no limit' : ''}.`);
    return { ...before, [model]: Number(value) };
  };
}

/** `rehearse cancel`: asks a run to stop; its batches journal the calls in flight first. */
export function registerCancel(program: Command): void {
  program
    .command('cancel')
    .description('stop a run; what it has paid for stays stored, and "resume" goes on from there')
    .argument('<id>', 'run id')
    .action(async (id: string) => {
      const runId = validateRunId(id);
      await withClient(async ({ client }) => {
        try {
          await client.workflow.getHandle(runId).cancel();
        } catch (cause) {
          if (cause instanceof WorkflowNotFoundError) {
            throw new CliError(`no run "${runId}" is running`, { hint: 'see: npx rehearse list', cause });
          }
          throw cause;
        }
      });
      process.stdout.write(`run ${runId} is being cancelled; go on later with: npx rehearse resume ${runId}\n`);
    });
}

async function withClient<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
  const connected = await connect();
  try {
    return await work(connected);
  } finally {
    await connected.connection.close();
  }
}
