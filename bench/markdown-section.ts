import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectDir } from '../services/local/paths';

/**
 * Puts a text between `<!-- NAME -->` and `<!-- /NAME -->` in bench/README.md.
 * @throws Error when the markers are not there
 */
export async function writeReadmeSection(name: string, text: string): Promise<void> {
  const file = join(projectDir(), 'bench', 'README.md');
  const page = await readFile(file, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${file} has no "${open}" followed by "${close}"`);
  await writeFile(file, `${page.slice(0, start + open.length)}\n${text.trim()}\n${page.slice(end)}`);
}

/** A Markdown table; the first column is aligned left, the others right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
