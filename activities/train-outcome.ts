import type { TrainOutcome } from '../contract/outcomes';
import type { TrainingDetail } from '../stages/train';

/** What a variant's workflow is told of a training, whichever backend did it. */
export function trainOutcome(detail: TrainingDetail): TrainOutcome {
  const { steps, lossCurve } = detail;
  const lastLoss = lossCurve.at(-1)?.loss ?? null;
  switch (detail.kind) {
    case 'sft':
      return { checkpoint: detail.checkpointDir, steps, lastLoss };
    case 'fine-tuning':
      return { checkpoint: detail.model, steps, lastLoss, usd: detail.usd };
  }
}
