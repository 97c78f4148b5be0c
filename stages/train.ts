import { z } from 'zod';
import { fineTuningOf } from '../config/fine-tuning';
import type { RunSpec } from '../config/spec';
import { unreachable } from '../method/never';
import { fineTuningResultSchema } from './fine-tuning-result';
import { mixStage } from './mix';
import { placeOfVariant, type KeyOfVariants, type ContentIdentities, type Planned } from './planned';
import { interpolateResultSchema, sftResultSchema } from './python-results';
import { sha256 } from './sha256';
import { defineStage } from './stage';
import type { Table } from './table';
import { templateDate } from './template-date';

/** One optimizer step of a training. */
export interface LossRow {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number | null;
  readonly gradNorm: number | null;
}

const lossTable: Table<LossRow> = { schema: { step: 'int', loss: 'double', learningRate: 'double', gradNorm: 'double' }, optional: [] };

const trainingDetailSchema = z.discriminatedUnion('kind', [sftResultSchema, interpolateResultSchema, fineTuningResultSchema]);

/** What the trainer says: one entry for each training backend, and for weights that are made without a training; told apart by `kind`. */
export type TrainingDetail = z.output<typeof trainingDetailSchema>;

/** What a variant's weights are made from: a mixture, or another variant's training. */
export type TrainedFrom = { readonly mix: string } | { readonly train: string; readonly weight: number };

/** SFT of the target model on a variant's mixture; the rows are its loss curve, the files its checkpoint. */
export const trainStage = defineStage({
  name: 'train',
  version: 1,
  rowsVersion: 2,
  callsModels: false,
  table: lossTable,
  detail: trainingDetailSchema,
  /** @param spec as the variant trains */
  key: (hash, spec: RunSpec, content: ContentIdentities, from: TrainedFrom) =>
    'mix' in from
      ? hash({
          seed: spec.seed,
          train: trainingParts(spec, content),
          ...templateDate({ spec, content }),
          weights: content.weights,
          input: mixStage.input(from.mix),
        })
      : hash({ interpolate: from.weight, weights: content.weights, input: from.train }),
  place: (plan: Pick<Planned<KeyOfVariants<'train'>>, 'keys'>, variant: string) => placeOfVariant(plan, variant, 'train'),
});

/**
 * What of the settings decides what is trained: not what the result is called, how often it is looked at and by whom, where it is kept
 * meanwhile, and what it may cost; of accelerate's configuration the text (how many processes share a batch), not its name.
 */
function trainingParts({ train, target }: RunSpec, { accelerate }: ContentIdentities): unknown {
  const {
    backend,
    openai: _openai,
    accelerate: _name,
    deviceMemoryGB: _checked,
    keepCheckpoints: _kept,
    reportTo: _told,
    thoughts,
    ...local
  } = train;
  switch (backend) {
    case 'trl':
      // Without the backend's name, as in keys made before there was another one.
      return {
        ...local,
        ...(accelerate === undefined ? {} : { accelerate: sha256(accelerate) }),
        ...(thoughts === 'keep' ? { thoughts } : {}), // to drop them is the default
      };
    case 'openai': {
      const { epochs, batchSize, learningRateMultiplier } = fineTuningOf({ train, target })!;
      return { backend, epochs, batchSize, learningRateMultiplier };
    }
    default:
      return unreachable(backend);
  }
}
