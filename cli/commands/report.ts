import { InvalidArgumentError, type Command } from 'commander';
import { gatherReport } from '../../report/gather/report-data';
import { type ReportData } from '../../report/gather/run-report';
import { specDifferences } from '../../report/gather/spec-differences';
import { comparePage } from '../../report/page/compare-runs';
import { renderMarkdown } from '../../report/render/render-markdown';
import { writeReportFiles } from '../../report/write-report';
import { openStore } from '../../services/runs/open-store';
import { nats } from '../runs/row-of-run';
import { loadStoredRun } from '../runs/stored-run';
import { UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText, printJson } from '../terminal/output';

/** `rehearse report`: makes a run's report again from the store, without a server. */
export function registerReport(program: Command): void {
  program
    .command('report')
    .description("make a run's report again from the store: one HTML page, the same as Markdown, its tables as CSV, and its data as JSON")
    .argument('<id>', 'run id')
    .argument('[other]', 'another run: print the two side by side, as Markdown')
    .option('--out <dir>', "write to this directory instead of the run's own folder in the store", (value) => {
      if (value.trim() === '') throw new InvalidArgumentError('Name a directory.');
      return value;
    })
    .option(
      '--max-forgetting <nats>',
      'name the row that learns most within this rise of the loss on what the model could say before (default: 0.05 nats a token)',
      nats,
    )
    .option('--json', 'print the paths as JSON')
    .addHelpText(
      'after',
      `
Needs no server. A run that is not finished has a report too; it says what is missing.
It writes
  report.html, report.md   the report; the page is one file that loads nothing
  variants.csv             a row a variant: its mixture, its normalised scores, its mean change from the official model
  tasks.csv                a row a variant and task: the task's own metric, the change with its interval, documents forgotten and gained
  held-out.csv             a row a held-out set and variant: the loss and its change, where the spec holds rows out
  contamination.csv        instructions that share words with an evaluation set, where the spec looks for them
  report.json              all of it

With two runs: which settings differ, which outputs they share, their scores by variant and task, and the losses on held-out rows.`,
    )
    .action(async (runId: string, other: string | undefined, options: ReportOptions) => {
      await (other === undefined ? runReport(runId, options) : compareRuns(runId, other, options));
    });
}

interface ReportOptions {
  readonly maxForgetting?: number;
  readonly out?: string;
  readonly json?: boolean;
}

async function runReport(runId: string, { out, json = false, maxForgetting }: ReportOptions): Promise<void> {
  const opened = openStore();
  await loadStoredRun(opened.plans, runId); // names the runs there are when there is none of this id
  const { finished, ...files } = await writeReportFiles({
    ...opened,
    runId,
    now: new Date(),
    ...(out === undefined ? {} : { folder: out }),
    ...(maxForgetting === undefined ? {} : { maxForgetting }),
  });
  if (json) printJson({ runId, finished, ...files });
  else {
    process.stdout.write(
      `${Object.values(files)
        .filter((path) => path !== null)
        .map(plainText)
        .join('\n')}\n`,
    );
  }
  if (!finished) note(`run ${plainText(runId)} is not finished; the report says what is missing`);
}

async function compareRuns(a: string, b: string, { out, json = false }: ReportOptions): Promise<void> {
  if (out !== undefined) {
    throw new UsageError('two runs are printed, not written', { hint: 'leave out --out, and redirect the output to a file' });
  }
  const opened = openStore();
  const gather = async (runId: string): Promise<ReportData> => {
    await loadStoredRun(opened.plans, runId);
    return await gatherReport({ ...opened, runId, now: new Date() });
  };
  const [left, right] = [await gather(a), await gather(b)];
  if (json) {
    printJson({
      a,
      b,
      settings: specDifferences(left.spec, right.spec),
      variants: { [a]: left.variants, [b]: right.variants },
      heldOut: { [a]: left.heldOut, [b]: right.heldOut },
    });
  } else process.stdout.write(renderMarkdown(comparePage(left, right)));
}
