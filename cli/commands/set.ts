import { InvalidArgumentError, type Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import type { ModelLimits } from '../../config/spec';
import { setBudgetUpdate, setLimitsUpdate, type ControlState } from '../../contract/control';
import { formatCount, formatUsd } from '../../contract/figures';
import type { BudgetSetting } from '../../contract/run-settings';
import { collectProgress } from '../progress/run-reader';
import { steerRun } from '../runs/control-run';
import { settingsText } from '../runs/settings-text';
import { workersOf, type SilentWorker } from '../runs/silent-workers';
import { withClient } from '../server/connect';
import { UsageError } from '../terminal/errors';
import { oneLine, printJson } from '../terminal/output';

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
A run that is paused because its budget is reached goes on when it is raised. A budget that is lowered, also below what is
spent, is answered when nothing more is sent: with what is spent, and what calls in flight may still cost.
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
    throw new UsageError('there is nothing to set', {
      hint: 'name at least one of --concurrency, --rpm, --tpm, --budget-usd, --budget-tokens',
    });
  }
  const { state, silent } = await withClient(async ({ client }) => {
    const set = hasLimits
      ? await steerRun(client, runId, async (run) => await run.executeUpdate(setLimitsUpdate, { args: [limits] }))
      : undefined;
    const answer = hasBudget
      ? await steerRun(client, runId, async (run) => await run.executeUpdate(setBudgetUpdate, { args: [budget] }))
      : set;
    if (answer === undefined) throw new Error('nothing was set; there is always limits or a budget here');
    // A lower budget's answer has counted everything; else batches go on, and say with each heartbeat what they have spent.
    const spent = answer.withdrawn === undefined ? ((await collectProgress(client, runId)).spent ?? answer.spent) : answer.spent;
    return { state: { ...answer, spent }, silent: await workersOf(client, answer.withdrawn?.silent ?? []) };
  });
  if (json) printJson({ runId, ...state, ...(state.withdrawn === undefined ? {} : { withdrawn: { ...state.withdrawn, silent } }) });
  else for (const line of stateText(state, silent)) process.stdout.write(`${line}\n`);
}

/** What holds now, a line each. */
function stateText(state: ControlState, silent: readonly SilentWorker[]): string[] {
  const { usd, tokens } = state.budget;
  const { spent, withdrawn } = state;
  return [
    ...settingsText({ limits: state.limits }),
    ...(usd === undefined ? [] : [`budget: $${usd}, of which ${formatUsd(spent.usd)} is spent`]),
    ...(tokens === undefined ? [] : [`budget: ${formatCount(tokens)} tokens, of which ${formatCount(spent.tokens)} are spent`]),
    ...(withdrawn === undefined
      ? []
      : [
          `nothing more is sent on what was granted before; calls in flight may still cost up to ${formatUsd(withdrawn.inFlight.usd)} (${formatCount(withdrawn.inFlight.tokens)} tokens)`,
        ]),
    ...silent.map(({ worker, batch, workflowId }) =>
      oneLine(
        worker === null
          ? `${workflowId} has not answered${batch === undefined ? '' : ` for "${batch}"`}: it may spend what it was granted, which is counted above as far as it is known`
          : `worker ${worker} has not answered for "${batch ?? workflowId}": stop it if it is cut off; it may spend what it was granted, which is counted above`,
        400,
      ),
    ),
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
