import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ArtifactStore } from '../artifact-store';
import { gatherReport, type GatherOptions, type ReportData } from './report-data';
import { renderHtml } from './render-html';
import { renderMarkdown } from './render-markdown';
import { composePage } from './report-page';

/** Where a report was written, as paths on this machine. */
export interface WrittenReport {
  readonly html: string;
  readonly markdown: string;
  readonly json: string;
  readonly finished: boolean;
}

/** A report as the content of its files. */
export async function renderReport(data: ReportData): Promise<{ readonly html: string; readonly markdown: string; readonly json: string }> {
  const page = composePage(data);
  return { html: await renderHtml(page), markdown: renderMarkdown(page), json: `${JSON.stringify(data, null, 2)}\n` };
}

/**
 * Makes the report of a run from what the store holds, finished or not, and writes report.html, report.md and report.json.
 * @param folder where to, instead of the run's own place in the store
 * @throws UnknownRunError when the store knows nothing of the run
 */
export async function writeReportFiles(options: GatherOptions & { readonly folder?: string }): Promise<WrittenReport> {
  const data = await gatherReport(options);
  const content = await renderReport(data);
  const write = options.folder === undefined ? toStore(options.store, `runs/${options.runId}/report`) : await toFolder(resolve(options.folder));
  return {
    html: await write('report.html', content.html),
    markdown: await write('report.md', content.markdown),
    json: await write('report.json', content.json),
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
