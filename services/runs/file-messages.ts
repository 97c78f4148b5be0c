import { relative } from 'node:path';
import { DataFileError } from '../data/data-file-error';

/** A path as messages show it: from the working directory where it lies below that, else absolute. */
export function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? file : near;
}

/** Why a file could not be read, as a message says it. @param error of the file system */
export function reasonOf(error: unknown): string {
  if (error instanceof DataFileError) return error.reason;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EISDIR: 'a directory',
    EACCES: 'no permission to read it',
    ENOTDIR: 'a part of the path is a file',
  };
  return (code === undefined ? undefined : known[code]) ?? (error instanceof Error ? error.message : String(error));
}
