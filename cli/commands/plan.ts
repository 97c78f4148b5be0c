import type { Command } from 'commander';
import { DEFAULT_ASSUMPTIONS, parseAssumptions } from '../../planning/cost-assumptions';
import { planCost, type CostPlan } from '../../planning/cost-plan';
import { tellingAssumptions } from '../../planning/telling-assumptions';
import { seenGpus } from '../../services/local/gpus';
import { checkSpecFiles, loadSpecFile } from '../../services/runs/spec-files';
import { planText } from '../plan-text';
import { withRowOfRun, withRowOptions, type RowOptions } from '../runs/row-of-run';
import { templateNotes } from '../template-notes';
import { CliError, UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText, printJson } from '../terminal/output';

interface PlanOptions extends RowOptions {
  readonly json?: boolean;
  readonly input?: boolean;
  readonly assumptions?: boolean;
  readonly assume: string[];
}

/** `rehearse plan`: what a spec will cost, and what that figure assumes, before anything is spent. */
export function registerPlan(program: Command): void {
  withRowOptions(program.command('plan'))
    .description('say how many calls, tokens, dollars and GPU hours a spec will take, and what was assumed; starts nothing')
    .argument('<spec>', 'YAML or JSON file, or one of the presets demo, single-gpu, paper, paper-frugal')
    .option('--assume <name=value...>', 'use another value than the assumed one', collect, [])
    .option('--assumptions', 'show all assumptions, not only those on which the figures hang')
    .option('--json', 'print the plan, assumptions, warnings and problems as JSON')
    .option('--input', 'print the checked spec as one JSON object, for `temporal workflow start --input-file`')
    .action(async (file: string, options: PlanOptions) => {
      if (options.json && options.input) throw new UsageError('--json and --input print different things', { hint: 'give one of them' });
      const overrides = readAssumptions(options.assume);
      const spec = await withRowOfRun(await loadSpecFile(file), options);
      const { errors, warnings, problems, misfit, counts, templates, unreached } = await checkSpecFiles(spec, { env: process.env });
      if (options.input) {
        printJson(spec);
        noteChecks(errors, [...warnings, ...unreached]);
        return;
      }
      const formats = templateNotes(spec, { templates });
      const plan = planCost(spec, overrides, counts);
      if (options.json) {
        const assumptions = Object.entries(DEFAULT_ASSUMPTIONS).map(([name, { unit, why }]) => ({
          name,
          value: plan.assumptions[name as keyof typeof DEFAULT_ASSUMPTIONS],
          unit,
          why,
        }));
        printJson({ ...plan, templates: formats, assumptions, warnings: [...warnings, ...unreached], problems });
      } else {
        const shown = options.assumptions ? undefined : tellingAssumptions(spec, overrides, counts);
        process.stdout.write(`${plainText(planText(spec, plan, formats, shown))}\n`);
        noteChecks(errors, [...warnings, ...unreached, ...(await machineNotes(plan))]);
      }
      if (misfit !== undefined) throw new CliError('this training cannot fit its devices', { hint: 'docs/training.md shows the sum' });
    });
}

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

function readAssumptions(texts: readonly string[]): ReturnType<typeof parseAssumptions> {
  try {
    return parseAssumptions(texts);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What the plan needs and this machine, which may not be that of the workers, does not have. */
async function machineNotes({ training, evaluation }: CostPlan): Promise<string[]> {
  const needs = [
    ...(training.device === 'gpu' && training.trainings > 0 ? ['training'] : []),
    ...(evaluation.device === 'gpu' && evaluation.models > 0 ? ['evaluation'] : []),
  ];
  if (needs.length === 0 || (await seenGpus().catch(() => [])).length > 0) return [];
  return [`this machine has no GPU; ${needs.join(' and ')} want gpu workers that have some (until: mixture ends before them).`];
}

/** A plan is worth having before the data is there; starting is not. So these are notes here, and errors of `start`. Only a training that cannot fit fails the plan. */
function noteChecks(errors: readonly string[], warnings: readonly string[]): void {
  for (const error of errors) process.stderr.write(`rehearse: before it can start: ${plainText(error)}\n`);
  for (const warning of warnings) note(plainText(warning));
}
