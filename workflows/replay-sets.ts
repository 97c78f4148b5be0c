import type { ReplaySource } from '../config/variants';

/** What the workflows have to know of a kind of replay set. */
interface ReplaySetKind {
  /** Of a variant that uses it: one line for the Web UI. */
  readonly summary: string;
  /** Whether the variant loads a set of its own before it mixes; else it takes the method's, or none. */
  readonly isLoaded: boolean;
}

/** By kind: a kind that is missing here does not compile. */
const REPLAY_SETS: Readonly<Record<ReplaySource['kind'], ReplaySetKind>> = {
  method: { summary: 'our replay set', isLoaded: false },
  'first-response': { summary: 'ablation: no filtering', isLoaded: true },
  'target-best': { summary: 'ablation: the target model alone', isLoaded: true },
  none: { summary: 'new data alone', isLoaded: false },
  'own-answers': { summary: 'own answers to the prompts of a data set', isLoaded: true },
  dataset: { summary: 'a data set as replay set', isLoaded: true },
  interpolate: { summary: 'between the official model and a trained one', isLoaded: false },
};

/** One line for the Web UI about a variant with this kind of replay set; null for the official model. */
export function variantSummary(replay: ReplaySource['kind'] | null): string {
  return replay === null ? 'the target model as it is' : REPLAY_SETS[replay].summary;
}

/** Whether a variant with this kind of replay set loads a set of its own. */
export function loadsReplaySet(replay: ReplaySource['kind']): boolean {
  return REPLAY_SETS[replay].isLoaded;
}
