import type { Usage } from '../../method/records';
import { addUsage, NO_USAGE } from './billing';

/** One request on its way, until its reply is counted. */
export interface SentRequest {
  /** It is counted, or was not billed. A second call does nothing. */
  readonly end: () => void;
}

/** What the requests that are on their way may be billed at most. */
export class InFlight {
  private count = 0;
  private sum: Usage = NO_USAGE;

  /** The worst case of all that were sent and are not counted yet. */
  get bound(): Usage {
    return this.sum;
  }

  /** A request is sent now. */
  send(bound: Usage): SentRequest {
    this.count++;
    this.sum = addUsage(this.sum, bound);
    let ended = false;
    return {
      end: () => {
        if (ended) return;
        ended = true;
        const { promptTokens, completionTokens } = this.sum;
        this.sum =
          --this.count === 0
            ? NO_USAGE
            : { promptTokens: promptTokens - bound.promptTokens, completionTokens: completionTokens - bound.completionTokens };
      },
    };
  }
}
