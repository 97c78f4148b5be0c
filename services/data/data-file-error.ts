import { MethodError } from '../../method/method-error';

/** A data file that is not what its reader takes. Trying again does not help: somebody has to change the file. */
export class DataFileError extends MethodError {
  /** What is wrong with it, to stand behind its name. */
  readonly reason: string;
  /** The way out. */
  readonly hint: string;

  constructor(path: string, reason: string, hint: string, options: { readonly cause?: unknown } = {}) {
    super(`${path}: ${reason}; ${hint}`, options);
    this.reason = reason;
    this.hint = hint;
  }
}
