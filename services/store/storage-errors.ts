import type { FailureType } from '../../contract/failures';
/** What a fault of the disk under the store means, and the way out. */
const FILE_SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on that disk',
  EDQUOT: "free some of this user's quota, or raise it",
  EROFS: 'mount that file system writable again (a disk error may have made it read-only)',
  EACCES: 'give the user of the workers the right to read and write there',
  EPERM: 'give the user of the workers the right to read and write there',
  EIO: 'check that disk, and replace it if it is failing',
  ESTALE: 'mount that network file system again',
  ENOTDIR: 'remove the file that is where a folder should be',
  EMFILE: 'raise the limit of open files (ulimit -n) of the workers',
  ENFILE: "raise the system's limit of open files",
};

/** Faults that say where they come from by themselves: never a network, never a spec's file that is not there. */
const DISK_FAULTS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ESTALE']);

/**
 * The store, or the disk under it, cannot be used now. Nothing is lost: once it is mended, the work goes on where it was.
 */
export class StorageUnavailableError extends Error {
  override readonly name = 'StorageUnavailableError' satisfies FailureType;
  /** Whether it may well pass by itself, so that trying again for a while is right. */
  readonly passing: boolean;

  constructor(message: string, { passing = false, ...options }: ErrorOptions & { readonly passing?: boolean } = {}) {
    super(message, options);
    this.passing = passing;
  }
}

/** What was being done when a file system failed. */
export interface FileWork {
  readonly doing: 'read' | 'written' | 'listed' | 'removed';
  /** Absolute path. */
  readonly path: string;
}

/** A file system's error as a {@link StorageUnavailableError} that names the place and the way out; any other error as it is. */
export function fileSystemError(error: unknown, { doing, path }: FileWork): unknown {
  const advice = FILE_SYSTEM_FAULTS[codeOf(error) ?? ''];
  if (advice === undefined) return error;
  return new StorageUnavailableError(
    `${path} cannot be ${doing}: ${(error as Error).message}; ${advice}, then resume the run: it goes on where it was`,
    { cause: error },
  );
}

/** The storage fault that an error is, or that some place without a name of its own ran into. */
export function storageFault(error: unknown): StorageUnavailableError | undefined {
  for (let current = error, depth = 0; isError(current) && depth < 8; current = current.cause, depth++) {
    if (current instanceof StorageUnavailableError) return current;
    const code = codeOf(current);
    if (code !== undefined && DISK_FAULTS.has(code)) {
      const { path } = current as NodeJS.ErrnoException;
      return fileSystemError(current, { doing: 'written', path: path ?? 'a file of the run' }) as StorageUnavailableError;
    }
  }
  return undefined;
}

/** By shape: errors of Node's own functions come from another realm under some runners, where `instanceof` fails. */
export function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
