/** What a command says on stderr before it exits: one sentence and the way out. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** What to do about it, without a full stop. */
  readonly hint?: string;
  readonly exitCode: number;

  constructor(message: string, options: { readonly hint?: string; readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}
