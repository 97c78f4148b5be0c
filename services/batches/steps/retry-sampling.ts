import type { Sampling } from '../../../config/spec';

/** Temperature of a retry where the first try was greedy. */
const RETRY_TEMPERATURE = 0.7;

/**
 * The sampling of a retry after an unusable reply. At temperature 0 another seed alone changes nothing, and the same reply would
 * be paid for again; such a retry is sampled.
 */
export function retrySampling(sampling: Sampling, attempt: number): Sampling {
  return attempt > 0 && sampling.temperature === 0 ? { ...sampling, temperature: RETRY_TEMPERATURE } : sampling;
}
