import { PUBLIC_SET_NAMES, type PublicSetName } from './replay-sets';

/**
 * Rows of the paper's table that a spec can name without more: the official model (evaluated only), the method, the eight
 * public sets, the two ablations of section 3.4, and new data alone.
 */
export const VARIANT_NAMES = ['official', 'method', ...PUBLIC_SET_NAMES, 'first-response', 'target-best', 'new-data-only'] as const;

/** What a variant can mix with the new data, besides a data set. */
export const REPLAY_NAMES = ['method', 'first-response', 'target-best', 'none'] as const;

export type ReplayName = (typeof REPLAY_NAMES)[number];

/** What the named variants mix with the new data, besides the official model, which is not trained, and the public sets. */
export const NAMED_REPLAYS = {
  method: 'method',
  'first-response': 'first-response',
  'target-best': 'target-best',
  'new-data-only': 'none',
} as const satisfies Readonly<Record<Exclude<(typeof VARIANT_NAMES)[number], 'official' | PublicSetName>, ReplayName>>;
