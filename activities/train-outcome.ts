import type { TrainOutcome } from '../contract/outcomes';
import type { TrainingDetail } from '../stages/train';

/** What a variant's workflow is told of a training, whichever backend did it. */
export function trainOutcome(detail: TrainingDetail): TrainOutcome {
  switch (detail.kind) {
    case 'sft':
      return { checkpoint: detail.checkpointDir, steps: detail.steps, lastLoss: lastLoss(detail) };
    case 'interpolate':
      return { checkpoint: detail.checkpointDir, steps: 0, lastLoss: null };
    case 'fine-tuning':
      return { checkpoint: detail.model, steps: detail.steps, lastLoss: lastLoss(detail), usd: detail.usd };
  }
}

function lastLoss({ lossCurve }: { readonly lossCurve: readonly { readonly loss: number }[] }): number | null {
  return lossCurve.at(-1)?.loss ?? null;
}
