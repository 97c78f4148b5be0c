import type { Sampling } from '../../../config/spec';

/** Temperature of a retry where the first try was greedy. */
const RETRY_TEMPERATURE = 0.7;

/**
 * How an unusable reply is asked for again. Another seed alone changes nothing at temperature 0: the same reply would be
 * paid for again, so such a retry is sampled.
 */
export function retrySampling(sampling: Sampling, attempt: number): Sampling {
  return attempt > 0 && sampling.temperature === 0 ? { ...sampling, temperature: RETRY_TEMPERATURE } : sampling;
}
