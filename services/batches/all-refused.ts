import type { FailureType } from '../../contract/failures';
import { adviceFor } from '../endpoints/error-advice';
import type { ModelRequest } from '../endpoints/model-client';
import type { MadeCall } from './journalled-calls';

/**
 * Every request of the batch was refused, or every reply lacks what was asked for. The refusals are not results: another attempt
 * makes the calls again.
 */
export class AllRefusedError extends Error {
  override readonly name = 'AllRefusedError' satisfies FailureType;
}

/** This many refusals without one success mean that the endpoint refuses everything, not that the items are at fault. */
const REFUSALS_OF_ALL = 8;

/** Ends a batch whose endpoint is set up wrongly, before all its items fail for it. */
export class AllRefusedRule {
  private answered = 0;
  private refused = 0;
  private withLogprobs = 0;
  private withoutLogprobs = 0;

  /**
   * @param endpoint for messages
   * @param hadReplies whether earlier attempts at the batch had any reply: then a refusal is about its item
   */
  constructor(
    private readonly endpoint: string,
    private readonly hadReplies: boolean,
  ) {}

  /**
   * Counts a call that this attempt has made.
   * @throws AllRefusedError when the endpoint has refused all calls, or gave no logprobs in any reply to requests for them
   */
  check(request: ModelRequest, call: MadeCall): void {
    if (call.error === undefined) {
      this.answered++;
      this.checkLogprobs(request, call);
    } else if (++this.refused >= REFUSALS_OF_ALL && this.answered === 0 && !this.hadReplies) {
      throw new AllRefusedError(
        `${this.endpoint} refused the first ${this.refused} requests: ${call.error.message}; ${adviceFor(call.error, request)}`,
      );
    }
  }

  /** An endpoint that ignores `logprobs` gives no error, and no judgment could be read from its replies. */
  private checkLogprobs(request: ModelRequest, { reply }: MadeCall): void {
    if (reply === undefined || request.body['logprobs'] === undefined || reply.choices.every(({ text }) => text === '')) return;
    if (reply.choices.some(({ tokens }) => tokens.length > 0)) this.withLogprobs++;
    else if (++this.withoutLogprobs >= REFUSALS_OF_ALL && this.withLogprobs === 0) {
      throw new AllRefusedError(
        `${this.endpoint} gave no logprobs in its first ${this.withoutLogprobs} replies; ${adviceFor({ kind: 'refused', param: 'logprobs' }, request)}`,
      );
    }
  }
}
