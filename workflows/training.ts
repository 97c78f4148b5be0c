import type { TrainingBackend } from '../config/training-backends';
import type { TrainOutcome } from '../contract/outcomes';
import type { RunOutline } from '../contract/run';
import { unreachable } from '../method/never';
import { activitiesOn } from './activities';
import { fineTune } from './fine-tuning';
import type { VariantRun } from './variant-run';

const gpu = activitiesOn('gpu');

/** SFT of the target model on a variant's mixture, by the backend that trains in this run. A new backend gets its case here. */
export function train(run: VariantRun): Promise<TrainOutcome> {
  const backend = trainingBackend(run.input);
  switch (backend) {
    case 'trl':
      return run.work.runActivity(gpu.trainVariant, `SFT of ${run.input.target}`, run.ref);
    case 'openai':
      return fineTune(run);
    default:
      return unreachable(backend);
  }
}

/** Runs that release 0.1.0 has planned say only whether an endpoint trains. */
function trainingBackend({ training, fineTuning }: RunOutline): TrainingBackend {
  return training ?? (fineTuning === true ? 'openai' : 'trl');
}
