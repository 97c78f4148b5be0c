import { fineTuningOf, weightsOf } from '../../config/fine-tuning';
import { modelOf } from '../../config/models-in-use';
import type { RunSpec } from '../../config/spec';
import { replaySetsOf, trains } from '../../config/until';
import { filesOf } from '../../config/variants';
import { modelIdentity } from '../../stages/model-identity';
import { type ContentIdentities } from '../../stages/planned';
import { evaluationIdentity } from '../data/evaluation-identity';
import { readExcludedRows } from '../data/excluded-rows';
import { newDataIdentity } from '../data/new-data';
import { fileSha256 } from '../store/file-hash';
import { accelerateText } from '../training/accelerate';
import type { WeightsResolver } from '../training/weights';

/** Hashes what a spec names but does not hold: the new data, local evaluation documents, the weights. */
export async function contentIdentities(spec: RunSpec, weights: WeightsResolver): Promise<ContentIdentities> {
  const { exclude } = spec.mix;
  const excluded = exclude === undefined ? [] : await readExcludedRows(exclude, spec.synthesis.extract.instructions);
  return {
    newData: await newDataIdentity(spec.mix),
    ...(excluded.length === 0 ? {} : { excluded }),
    weights: trains(spec) ? await weightsIdentity(spec, weights) : 'none',
    evaluation: await Promise.all(spec.evaluate.tasks.map(evaluationIdentity)),
    replayFiles: await hashFiles(replaySetsOf(spec).flatMap(filesOf)),
    ...(spec.train.accelerate === undefined || !trains(spec) ? {} : { accelerate: await accelerateText(spec.train.accelerate) }),
  };
}

/** Of a model that an endpoint fine-tunes, nothing is known but its name there. */
async function weightsIdentity(spec: RunSpec, weights: WeightsResolver): Promise<string> {
  const tuning = fineTuningOf(spec);
  return tuning === undefined
    ? (await weights.resolve(weightsOf(spec), spec.target.revision)).identity
    : modelIdentity(modelOf(spec, tuning.model));
}

async function hashFiles(paths: readonly string[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all([...new Set(paths)].map(async (path) => [path, await fileSha256(path)] as const)));
}
