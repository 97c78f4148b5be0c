import type { FailureType } from '../../contract/failures';

/** No chat template can be read where one is needed; a sentence with the way out. */
export class TemplateNotReadError extends Error {
  override readonly name = 'TemplateNotReadError' satisfies FailureType;

  /** @param isPassing the place could not be reached, so another try or another machine may read it */
  constructor(
    message: string,
    readonly isPassing: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
