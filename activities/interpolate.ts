import { weightsOf } from '../config/fine-tuning';
import type { TrainOutcome } from '../contract/outcomes';
import type { PlanRef } from '../contract/run';
import { CHECKPOINT_FOLDER, fetchFiles, storeFiles } from '../services/store/stage-files';
import { detailOf } from '../services/store/stored-output';
import { planVariant } from '../stages/run-plan';
import { trainStage } from '../stages/train';
import type { ActivityDeps } from './deps';
import { phaseBeats } from './phase-beats';
import { runActivity } from './run-activity';
import { trainOutcome } from './train-outcome';

/** Weights between the official model and a variant that is trained: no training, and begun again where it was killed. */
export function createInterpolateActivities(deps: ActivityDeps) {
  const { stages, store, workspace } = deps;
  return {
    async interpolateVariant(input: PlanRef & { readonly variant: string }): Promise<TrainOutcome> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const plan = await deps.plans.load(input.plan);
        const { replay } = planVariant(plan, input.variant);
        if (replay?.kind !== 'interpolate') {
          throw new Error(`the variant "${input.variant}" is not interpolated; a validated spec cannot come here`);
        }
        const output = trainStage.at(plan, input.variant);
        const folder = stages.folder(output.address);
        const made = await stages.findOrMake(output, async () => {
          const trained = trainStage.at(plan, replay.of);
          const { manifest } = await stages.input(trained);
          const { target } = plan.spec;
          const weights = await deps.weights.resolve(weightsOf(plan.spec), target.revision);
          const result = await deps.python.run({
            command: 'interpolate',
            stop,
            onEvent: phaseBeats(heartbeat, { stage: 'train', model: input.variant }),
            spec: {
              weights: weights.path,
              revision: target.revision ?? null,
              trained: await fetchFiles(deps, stages.folder(trained.address), CHECKPOINT_FOLDER, manifest),
              weight: replay.weight,
              outputDir: workspace.path(`${folder}/job`),
            },
          });
          return {
            rows: [],
            detail: { ...result, checkpointDir: store.location(`${folder}/${CHECKPOINT_FOLDER}`) },
            files: await storeFiles(deps, folder, CHECKPOINT_FOLDER),
            inputs: [trained],
          };
        });
        return trainOutcome(detailOf(made));
      });
    },
  };
}
