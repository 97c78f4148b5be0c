import type { ReplaySource, Variant } from '../../config/variants';

/** Where a variant's replay set comes from; the official model has none. */
export type VariantKind = 'official' | ReplaySource['kind'];

/** What stands beside a variant's name. */
export function replayTitle({ replay }: Variant): string {
  if (replay === null) return 'not trained';
  switch (replay.kind) {
    case 'method':
      return 'ours: best of all responses by all judges';
    case 'first-response':
      return 'ablation: the target’s first response, unfiltered';
    case 'target-best':
      return 'ablation: the target’s best response by its own scores';
    case 'none':
      return 'none: new data alone';
    default:
      return replay.title;
  }
}
