import type { RunSpec } from '../config/spec';
import type { TrainOutcome } from '../contract/outcomes';
import type { RunOutline } from '../contract/run';
import { unreachable } from '../method/never';
import { activitiesOn } from './activities';
import { fineTune } from './fine-tuning';
import type { VariantRun } from './variant-run';

const gpu = activitiesOn('gpu');

/** Who trains, as the spec's `train.backend` says it. */
type TrainingBackend = RunSpec['train']['backend'];

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

/** Running workflows carry the outline, so its field stays as it is: present where an endpoint trains. */
function trainingBackend({ fineTuning }: RunOutline): TrainingBackend {
  return fineTuning === true ? 'openai' : 'trl';
}
