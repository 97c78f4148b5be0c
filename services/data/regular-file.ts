import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { DataFileError } from './data-file-error';

/**
 * Opens a file of data to be read. What is no regular file is refused: data is read more than once, and reading a pipe or a device
 * may never end.
 * @throws DataFileError for a pipe, a device, a socket, a directory; the file system's error when it cannot be opened
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a named pipe waits for somebody who writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const kind = irregular(await file.stat());
  if (kind === undefined) return file;
  await file.close();
  throw new DataFileError(path, `${kind}, not a file`, 'write its content to a file and name that one');
}

/** What something is that is no regular file. */
function irregular(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a pipe';
  if (found.isCharacterDevice() || found.isBlockDevice()) return 'a device';
  return 'a socket';
}
