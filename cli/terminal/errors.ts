/**
 * Exit codes of every command: scripts tell by them what to do. docs/operations.md explains them.
 */
export const EXIT = {
  done: 0,
  /** A run ended otherwise than well, a check failed, or something else went wrong. */
  failed: 1,
  /** The command line or the spec is wrong; nothing was done. */
  usage: 2,
  /** No server, or no store, answers: the same command may do later. */
  unavailable: 3,
  /** Stopped by Ctrl-C. */
  stopped: 130,
} as const;

/** What a command says on stderr before it exits: one sentence and the way out. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  /** What to do about it, without a full stop. */
  readonly hint?: string;
  readonly exitCode: number;

  constructor(message: string, options: { readonly hint?: string; readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The command line asks for what there is not. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';

  constructor(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { ...options, exitCode: EXIT.usage });
  }
}
