import { InvalidArgumentError, type Command } from 'commander';
import type { Preview } from '../../activities/preview';
import { modelsInUse } from '../../config/models-in-use';
import type { RunSpec } from '../../config/spec';
import { problemSentence } from '../../config/spec-errors';
import { planCost } from '../../planning/cost-plan';
import { measuredAssumptions, type MeasuredStage } from '../../planning/measured-assumptions';
import { tellingAssumptions } from '../../planning/telling-assumptions';
import { checkSpecFiles, loadSpecFile } from '../../services/runs/spec-files';
import { runPreview } from '../../workers/preview';
import { planText } from '../plan-text';
import { previewedExtraction, previewText } from '../preview-text';
import { templateNotes } from '../template-notes';
import { UsageError } from '../terminal/errors';
import { progressStream } from '../terminal/loudness';
import { plainText, printJson } from '../terminal/output';
import { onStopSignal } from '../terminal/signals';

/** Few enough to be read. */
const MOST_INSTRUCTIONS = 100;

interface PreviewCommandOptions {
  readonly instructions: number;
  readonly json?: boolean;
}

/** `rehearse preview`: a few instructions through the whole synthesis, to be read before all are paid for. */
export function registerPreview(program: Command): void {
  program
    .command('preview')
    .description(
      'run the whole synthesis on a few instructions and print all that was written, what it took, and the plan by these figures',
    )
    .argument('<spec>', 'YAML or JSON file, or one of the presets demo, single-gpu, paper')
    .option('-n, --instructions <count>', `how many, up to ${MOST_INSTRUCTIONS}`, readCount, 5)
    .option('--json', 'print rows, figures and plan as JSON')
    .addHelpText(
      'after',
      `
It calls the models of the spec from this process; it needs neither a Temporal server nor workers, no new data and no weights. What
it made is stored (REHEARSE_STORE): the same preview again costs nothing. A run's own instructions are made anew.
Filters of synthesis.quality are left out, and "budget" does not apply: the figures above the plan say what was spent.`,
    )
    .action(async (file: string, options: PreviewCommandOptions) => await preview(file, options));
}

async function preview(file: string, { instructions, json = false }: PreviewCommandOptions): Promise<void> {
  const spec = await loadSpecFile(file);
  checkServers(spec);
  // Of the files, only what is said of models matters here: a preview needs no new data and no weights.
  const { problems, templates, counts } = await checkSpecFiles(spec, { env: process.env });
  const ofModels = problems.filter(({ path }) => path.startsWith('models.'));
  if (ofModels.length > 0) throw new UsageError(ofModels.map((problem) => problemSentence(problem)).join('; '));
  const stop = onStopSignal(() => process.stderr.write('\nstopping: finishing the calls in flight (Ctrl-C again ends at once)\n'));
  const made = await runPreview(spec, {
    instructions,
    templates,
    stop,
    onStage: (stage, model) => progressStream().write(`rehearse: ${stage} by ${plainText(model)}\n`),
  });
  const overrides = measuredAssumptions(measured(made));
  const plan = planCost(spec, overrides, counts);
  if (json) {
    printJson({ ...made, extraction: previewedExtraction(made), assumptions: overrides, plan });
    return;
  }
  const assume = Object.entries(overrides).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(
    `${previewText(made)}\n\n── the plan by these figures\n\n${plainText(planText(spec, plan, templateNotes(spec, { templates }), tellingAssumptions(spec, overrides, counts)))}\n`,
  );
  if (assume.length > 0) process.stdout.write(`\nThe same with: npx rehearse plan ${file} --assume ${assume.join(' ')}\n`);
}

/** Models that only a run serves. */
function checkServers(spec: RunSpec): void {
  const served = modelsInUse(spec).filter((name) => spec.models[name]?.serve !== undefined);
  if (served.length > 0) {
    throw new UsageError(`${served.join(' and ')} ${served.length === 1 ? 'is' : 'are'} served by a run alone`, {
      hint: 'start the server by hand and name it under baseURL, without serve, for a preview',
    });
  }
}

function measured({ work, instructions, responses, judgments }: Preview): MeasuredStage[] {
  const texts = { extract: instructions.length, respond: responses.length, judge: judgments.length };
  return (['extract', 'respond', 'judge'] as const).map((stage) => {
    const own = work.filter((each) => each.stage === stage);
    const sum = (of: 'promptTokens' | 'completionTokens'): number => own.reduce((total, each) => total + each[of], 0);
    return { stage, promptTokens: sum('promptTokens'), completionTokens: sum('completionTokens'), texts: texts[stage] };
  });
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_INSTRUCTIONS) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_INSTRUCTIONS}.`);
}
