import { PUBLIC_SET_NAMES } from './replay-sets';

/**
 * Rows of the paper's table that a spec can name without more: the official model (evaluated only), the method, the eight
 * public sets, the two ablations of section 3.4, and new data alone.
 */
export const VARIANT_NAMES = ['official', 'method', ...PUBLIC_SET_NAMES, 'first-response', 'target-best', 'new-data-only'] as const;

/** What a variant can mix with the new data, besides a data set. */
export const REPLAY_NAMES = ['method', 'first-response', 'target-best', 'none'] as const;

export type ReplayName = (typeof REPLAY_NAMES)[number];

/** Which of the target's own answers to a data set's prompts a variant takes. */
export const OWN_ANSWER_PICKS = ['first', 'judged'] as const;

export type OwnAnswerPick = (typeof OWN_ANSWER_PICKS)[number];
