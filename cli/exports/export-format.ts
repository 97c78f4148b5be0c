import { stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { UsageError } from '../terminal/errors';

export const EXPORT_FORMATS = ['jsonl', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Formats by the endings of file names. */
const BY_ENDING: Readonly<Record<string, ExportFormat>> = { '.jsonl': 'jsonl', '.ndjson': 'jsonl', '.parquet': 'parquet' };

/** Endings that say another format, in which nothing is written. */
const OTHER_ENDINGS: readonly string[] = ['.csv', '.tsv', '.json', '.xlsx', '.xls', '.arrow', '.feather', '.gz', '.zst', '.zip'];

/**
 * The format of an export: what `--format` says, else what the file's name says, else JSON lines.
 * @throws UsageError where the two contradict one another, or the name says a format that is not written
 */
export function exportFormat(format: ExportFormat | undefined, out: string | undefined): ExportFormat {
  const ending = out === undefined ? '' : extname(out).toLowerCase();
  const named = Object.hasOwn(BY_ENDING, ending) ? BY_ENDING[ending] : undefined;
  if (format === undefined) {
    if (OTHER_ENDINGS.includes(ending)) {
      throw new UsageError(`no ${ending.slice(1)} file is written`, {
        hint: 'give the file a name that ends in .jsonl or .parquet, or say --format, which is then what is in it',
      });
    }
    return named ?? 'jsonl';
  }
  if (named !== undefined && named !== format) {
    throw new UsageError(`--format ${format} contradicts the name ${out}`, { hint: 'leave --format out, or rename the file' });
  }
  if (format === 'parquet' && out === undefined) {
    throw new UsageError('a Parquet file is not printed', { hint: 'name a file with --out FILE' });
  }
  return format;
}

/** @throws UsageError when `out` is a directory @param name of the file that may have been meant */
export async function checkOutFile(out: string, name: string): Promise<void> {
  const found = await stat(out).catch(() => undefined);
  if (found?.isDirectory() !== true && !out.endsWith(sep) && !out.endsWith('/')) return;
  throw new UsageError(`--out ${out} is a directory`, { hint: `name a file in it, such as ${join(out, name)}` });
}
