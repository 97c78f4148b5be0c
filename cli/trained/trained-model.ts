import { variantsOf, type Variant } from '../../config/variants';
import type { OpenStore } from '../../services/runs/open-store';
import { CHECKPOINT_FOLDER, fetchFiles } from '../../services/store/stage-files';
import type { OutputFile, StageManifest } from '../../services/store/stage-store';
import { detailOf } from '../../services/store/stored-output';
import type { RunPlan } from '../../stages/run-plan';
import { trainStage, type TrainingDetail } from '../../stages/train';
import { CliError, UsageError } from '../terminal/errors';

/** What a run has trained, as it is stored. */
export interface TrainedModel {
  readonly variant: Variant;
  readonly training: TrainingDetail;
  readonly manifest: StageManifest;
  /** Key of the stage that made it. */
  readonly key: string;
  readonly files: readonly OutputFile[];
}

/**
 * The trained model of a row: of the one named, else of the method, else of the first that is trained.
 * @throws UsageError for a row that is not trained; CliError for one that is not trained yet
 */
export async function trainedModel({ stages }: OpenStore, id: string, plan: RunPlan, wanted: string | undefined): Promise<TrainedModel> {
  const trained = variantsOf(plan.spec).filter(({ replay }) => replay !== null);
  const variant =
    wanted === undefined ? (trained.find(({ name }) => name === 'method') ?? trained[0]) : trained.find(({ name }) => name === wanted);
  if (variant === undefined) {
    throw new UsageError(wanted === undefined ? 'the run trains no model' : `no row is trained under the name "${wanted}"`, {
      hint:
        trained.length === 0
          ? 'its variants are only evaluated'
          : `rows that are trained are ${trained.map(({ name }) => name).join(', ')}`,
    });
  }
  if (plan.spec.until !== undefined) throw new CliError(`the run ends with the ${plan.spec.until}`, { hint: 'remove `until` to train' });
  const output = trainStage.at(plan, variant.name);
  const found = await stages.find(output);
  if (found === undefined) {
    throw new CliError(`the row "${variant.name}" of run ${id} is not trained yet`, { hint: `see npx rehearse status ${id}` });
  }
  const { manifest } = found;
  return { variant, training: detailOf(found), manifest, key: output.address.key, files: manifest.files ?? [] };
}

/** The folder of the checkpoint on this machine, each file as it was stored. @throws CliError where a provider has the weights */
export async function checkpointFolder(opened: OpenStore, plan: RunPlan, { variant, training, manifest }: TrainedModel): Promise<string> {
  if (training.kind === 'fine-tuning') {
    throw new CliError(`the weights of "${variant.name}" are the provider's, under the name ${training.model}`, {
      hint: 'call it there; there is no checkpoint',
    });
  }
  return await fetchFiles(opened, opened.stages.folder(trainStage.at(plan, variant.name).address), CHECKPOINT_FOLDER, manifest);
}
