import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void;
  /** The command is killed, and has failed, after this long. Default: never. */
  readonly timeoutMs?: number;
  /** Aborted to kill it. */
  readonly signal?: AbortSignal;
}

const TAIL_LINES = 12;

/** A command that could not be started, failed or took too long. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    /** The last lines that it wrote. */
    readonly tail: string,
    options?: ErrorOptions,
  ) {
    super(tail === '' ? message : `${message}; its last lines were:\n${tail}`, options);
  }
}

/**
 * Runs a command to its end without a shell.
 * @returns its stdout
 * @throws CommandError
 */
export async function runCommand({ command, args, cwd, env = process.env, onLine, timeoutMs, signal }: CommandOptions): Promise<string> {
  const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const tail: string[] = [];
  const out: string[] = [];
  for (const [stream, isOut] of [
    [child.stdout, true],
    [child.stderr, false],
  ] as const) {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      if (isOut) out.push(line);
      if (line.trim() !== '') tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine?.(line);
    });
  }
  let killed: string | undefined;
  const kill = (why: string): void => {
    killed = why;
    child.kill('SIGKILL');
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => kill(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
  const onAbort = (): void => kill('made no progress, or was stopped');
  signal?.addEventListener('abort', onAbort, { once: true });
  const shown = [command, ...args].join(' ');
  try {
    const [code, endSignal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', (cause) => reject(new CommandError(`could not start "${shown}" (${cause.message})`, '', { cause })));
      child.once('close', (...how) => resolve(how));
    });
    if (killed !== undefined) throw new CommandError(`"${shown}" ${killed}`, tail.join('\n'));
    if (code !== 0) throw new CommandError(`"${shown}" ended with ${endSignal ?? `exit code ${code}`}`, tail.join('\n'));
    return out.join('\n');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
