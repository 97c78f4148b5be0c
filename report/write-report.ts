import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ArtifactStore } from '../services/store/artifact-store';
import { gatherReport, type GatherOptions } from './gather/report-data';
import { type ReportData } from './gather/run-report';
import { composePage } from './page/report-page';
import { renderHtml } from './render/render-html';
import { renderMarkdown } from './render/render-markdown';
import { contaminationCsv, heldOutCsv, tasksCsv, variantsCsv } from './render/report-csv';

/** Where a report was written, as paths on this machine. */
export interface WrittenReport {
  readonly html: string;
  readonly markdown: string;
  readonly json: string;
  /** CSV: a row a variant. */
  readonly variants: string;
  /** CSV: a row a variant and task. */
  readonly tasks: string;
  /** CSV: a row a held-out set and variant; null where the spec holds nothing out. */
  readonly heldOut: string | null;
  /** CSV of the instructions that share words in a row with an evaluation set; null where the spec does not look for them. */
  readonly contamination: string | null;
  readonly finished: boolean;
}

/** A report as the content of its files. */
export async function renderReport(data: ReportData): Promise<{ readonly html: string; readonly markdown: string; readonly json: string }> {
  const page = composePage(data);
  return { html: await renderHtml(page), markdown: renderMarkdown(page), json: `${JSON.stringify(data, null, 2)}\n` };
}

/**
 * Makes the report of a run from what the store holds, finished or not, and writes report.html, report.md, report.json,
 * variants.csv and tasks.csv; held-out.csv where the spec holds rows out, and contamination.csv where it looks for overlap.
 * @param folder where to, instead of the run's own place in the store
 * @throws UnknownRunError when the store knows nothing of the run
 */
export async function writeReportFiles(options: GatherOptions & { readonly folder?: string }): Promise<WrittenReport> {
  const data = await gatherReport(options);
  const content = await renderReport(data);
  const write =
    options.folder === undefined ? toStore(options.store, `runs/${options.runId}/report`) : await toFolder(resolve(options.folder));
  const { quality } = data.synthesis;
  const searched = quality?.rules.decontaminate !== undefined;
  return {
    html: await write('report.html', content.html),
    markdown: await write('report.md', content.markdown),
    json: await write('report.json', content.json),
    variants: await write(
      'variants.csv',
      variantsCsv(
        data.variants,
        data.spec.evaluate.tasks.map(({ task }) => task),
      ),
    ),
    tasks: await write('tasks.csv', tasksCsv(data.variants)),
    heldOut: data.heldOut === null ? null : await write('held-out.csv', heldOutCsv(data.heldOut)),
    contamination: searched ? await write('contamination.csv', contaminationCsv(quality.matches)) : null,
    finished: data.finished,
  };
}

type Write = (name: string, text: string) => Promise<string>;

function toStore(store: ArtifactStore, folder: string): Write {
  return async (name, text) => {
    await store.write(`${folder}/${name}`, text);
    return store.location(`${folder}/${name}`);
  };
}

async function toFolder(folder: string): Promise<Write> {
  await mkdir(folder, { recursive: true });
  return async (name, text) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
}
