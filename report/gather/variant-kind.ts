import { methodOf, namesMethod, TUNING_NAMES } from '../../config/training-method';
import { ownAnswersTitle, type ReplaySource, type Variant } from '../../config/variants';
import { formatCounted, formatPercent, formatScientific } from '../../contract/figures';

/** Where a variant's replay set comes from; the official model has none. */
export type VariantKind = 'official' | ReplaySource['kind'];

export function kindOf({ replay }: Pick<Variant, 'replay'>): VariantKind {
  return replay?.kind ?? 'official';
}

/** What stands beside a variant's name: its replay set, and how it was trained where that is its own. */
export function variantTitle(variant: Variant): string {
  const { train } = variant;
  if (train === undefined) return replayTitle(variant);
  const { learningRate, epochs, maxSteps } = train;
  const says = [
    ...(namesMethod(train) ? [METHODS[methodOf(train)]] : []),
    ...(learningRate === undefined ? [] : [`at a rate of ${formatScientific(learningRate)}`]),
    ...(epochs === undefined ? [] : [formatCounted(epochs, 'epoch')]),
    ...(maxSteps === undefined ? [] : [formatCounted(maxSteps, 'step')]),
  ];
  return says.length === 0 ? replayTitle(variant) : `${replayTitle(variant)}; ${says.join(', ')}`;
}

const METHODS = { ...TUNING_NAMES, distill: 'SFT on the new data, then distillation' };

function replayTitle({ replay }: Variant): string {
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
    case 'interpolate':
      return `none: ${formatPercent(replay.weight, 0)} ${replay.of}, the rest the official model`;
    case 'own-answers':
      return ownAnswersTitle(replay);
    default:
      return replay.title;
  }
}

/** The variant that the report tells in detail: the method, or the first that is trained. */
export function mainVariant<T>(variants: readonly T[], kind: (variant: T) => VariantKind): T | undefined {
  const trained = variants.filter((variant) => !['official', 'interpolate'].includes(kind(variant)));
  return trained.find((variant) => kind(variant) === 'method') ?? trained[0];
}
