import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { variantsOf, type Variant } from '../../config/variants';
import { formatCount } from '../../contract/figures';
import { DATASET_SHAPES, type DatasetShape } from '../../export/dataset-shapes';
import { exportToFile, exportToStream } from '../../export/export-file';
import { EXPORT_STAGES, exportStage, METHOD, type ExportStage } from '../../export/export-rows';
import { nearestNames } from '../../method/nearest-names';
import { openStore } from '../../services/runs/open-store';
import type { RunPlan } from '../../stages/run-plan';
import { coverageNotices } from '../exports/coverage-notices';
import { exportDataset } from '../exports/export-dataset';
import { checkOutFile, EXPORT_FORMATS, exportFormat, type ExportFormat } from '../exports/export-format';
import { checkDestination } from '../exports/hub-destination';
import { loadStoredRun } from '../runs/stored-run';
import { UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';

interface ExportOptions {
  readonly stage: string;
  readonly variant?: string;
  readonly format?: ExportFormat;
  readonly out?: string;
  readonly dataset?: string;
  readonly shape: DatasetShape;
  readonly push?: string;
  readonly private?: boolean;
}

/** `rehearse export`: a stage's rows, straight from the store. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description("print a stage's rows as JSON lines, or write them to a file; needs no server, and works while the run goes on")
    .argument('<id>', 'run id')
    .requiredOption('--stage <stage>', `one of ${EXPORT_STAGES.join(', ')}`)
    .option(
      '--variant <name>',
      'variant whose replay set, mixture or evaluation is meant (default: method; of evaluations and losses all); the other stages are shared, but for rows of own answers, whose prompts are the instructions',
    )
    .addOption(
      new Option('--format <format>', 'file format (default: what the name of --out says, else jsonl); parquet needs --out').choices([
        ...EXPORT_FORMATS,
      ]),
    )
    .option('--out <file>', 'file to write, replaced when it exists (default: standard output)')
    .option('--dataset <folder>', 'write the replay set or the mixture as a data set for the Hugging Face hub: Parquet and a card')
    .option('--push <owner/name>', 'with --dataset: put it on the hub too, as a commit of that data set; the token comes from HF_TOKEN')
    .option('--private', 'with --push: the data set is private')
    .addOption(
      new Option('--shape <shape>', 'how a row of --dataset holds its conversation').choices([...DATASET_SHAPES]).default('messages'),
    )
    .addHelpText(
      'after',
      `
Rows are sorted by id, one JSON object a line:
  instructions  id, text, reasoning (where it thought), model, finishReason, seed, attempts, usage; with filters also dropped (why, or null)
  responses     id, instructionId, model, sample, text, reasoning, finishReason, seed, attempts, usage
  judgments     id, responseId, instructionId, judge, score (or null, with reason), scoredBy, raw, reasoning, …,
                responseFinishReason (of what was judged; length: it was cut)
  replay        instructionId, responseId, instruction, response, model, finishReason, meanScore, scores, messages
                (of a variant with another replay set: id, messages, cut)
  mixture       id, source (replay or new), messages, cut (true where the last answer was cut at a token limit)
  evaluation    variant, task, docId, docHash, promptHash, correct, score; of IFEval also rules, rulesKept
                (by variant and task, a row a document)
  losses        variant, set, id, loss (nats a token), tokens: of each conversation that mix.holdOut holds out
  failures      stage, id, model, reason, attempts: everything that was lost, of all stages

While a run goes on, is paused or has failed, the rows are those of the finished parts: a model's work on one shard is one. What
is missing is said on standard error; replies of a part in the making are in its journal and not printed.

A folder written by --dataset is ready for: hf upload ORGANISATION/NAME FOLDER --repo-type dataset
--push does that itself, for finished sets only. Read the card first: it says whose terms the models' texts are under. HF_ENDPOINT is
another hub's URL.

Example: npx rehearse export demo --stage judgments | jq -c '{id, score}'`,
    )
    .action(async (id: string, options: ExportOptions) => {
      await runExport(id, options);
    });
}

async function runExport(
  id: string,
  { stage: wanted, variant: wantedVariant, format, out, dataset, shape, push, private: isPrivate = false }: ExportOptions,
): Promise<void> {
  const stage = checkStage(wanted);
  const written = exportFormat(format, out);
  if (out !== undefined) await checkOutFile(out, `${id}-${stage}.${written}`);
  const destination = checkDestination({ dataset, push, isPrivate });
  const { stages, plans } = openStore();
  const { plan } = await loadStoredRun(plans, id);
  if (dataset !== undefined) {
    await exportDataset({
      id,
      stage,
      variant: findVariant(plan, stage, wantedVariant),
      stages,
      plan,
      shape,
      folder: resolve(dataset),
      ...(destination === undefined ? {} : { destination }),
    });
    return;
  }
  const variant =
    stage === 'evaluation' || stage === 'losses' ? findEvaluated(plan, wantedVariant) : findVariant(plan, stage, wantedVariant);
  const rows = exportStage(stage, { stages, plan, ...(variant === undefined ? {} : { variant }) });
  let count: number;
  if (out === undefined) {
    const printed = await untilReaderLeaves(async () => await exportToStream(rows, process.stdout));
    if (printed === undefined) return;
    count = printed;
  } else {
    const path = resolve(out);
    count = await exportToFile(rows, { path, format: written });
    process.stderr.write(`rehearse: wrote ${formatCount(count)} ${stage} to ${path}\n`);
  }
  for (const notice of coverageNotices(id, stage, rows.coverage)) note(notice);
}

function checkStage(wanted: string): ExportStage {
  const stage = EXPORT_STAGES.find((name) => name === wanted);
  if (stage !== undefined) return stage;
  const near = nearestNames(wanted, EXPORT_STAGES, 1)[0];
  throw new UsageError(`no stage is called "${wanted}"`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}The stages are ${EXPORT_STAGES.join(', ')}`,
  });
}

/** The variant whose evaluation is meant, or undefined for all. */
function findEvaluated(plan: RunPlan, wanted: string | undefined): Variant | undefined {
  if (wanted === undefined) return undefined;
  const all = variantsOf(plan.spec);
  const found = all.find(({ name }) => name === wanted);
  if (found === undefined) {
    throw new UsageError(`no variant is called "${wanted}"`, { hint: `variants are ${all.map(({ name }) => name).join(', ')}` });
  }
  return found;
}

/** The variant that is meant: the one named, else the method, else the first that has data of its own. */
function findVariant(plan: RunPlan, stage: ExportStage, wanted: string | undefined): Variant {
  const trained = variantsOf(plan.spec).filter(({ replay }) => replay !== null && replay.kind !== 'interpolate');
  const found =
    wanted === undefined
      ? (trained.find(({ name }) => name === 'method') ?? trained[0] ?? METHOD)
      : trained.find(({ name }) => name === wanted);
  if (stage === 'mixture' && wanted === undefined && trained.length === 0) {
    throw new UsageError('the run has no mixture', { hint: 'none of its variants is trained; --stage replay has its replay set' });
  }
  const names = trained.map(({ name }) => name).join(', ');
  if (found === undefined) {
    throw new UsageError(
      wanted === 'official'
        ? 'the variant "official" is the target model as it is: it has no data to export'
        : `no variant is called "${wanted}"`,
      { hint: `variants with data are ${names}` },
    );
  }
  if (stage === 'replay' && found.replay?.kind === 'none') {
    throw new UsageError(`the variant "${found.name}" has no replay set`, { hint: 'its mixture is the new data: use --stage mixture' });
  }
  return found;
}

/** A reader that has seen enough (`| head`) is no error; undefined then. */
async function untilReaderLeaves(write: () => Promise<number>): Promise<number | undefined> {
  try {
    return await write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return undefined;
    throw error;
  }
}
