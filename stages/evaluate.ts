import type { RunSpec } from '../config/spec';
import { backendIdentity, sampleTable, taskIdentity } from './evaluate-task';
import { holdOutStage } from './hold-out';
import { placeOfVariant, type KeyOfVariants, type ContentIdentities, type Planned } from './planned';
import { evaluateResultSchema } from './python-results';
import { defineStage } from './stage';

/** All tasks of a variant together, for the report. */
export const evaluateStage = defineStage({
  name: 'evaluate',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: sampleTable,
  detail: evaluateResultSchema,
  /** @param weights what stands for the variant's model: the target's weights, or its training */
  key: (hash, spec: RunSpec, content: ContentIdentities, weights: unknown, holdOut: string | undefined) =>
    hash({
      seed: spec.seed,
      tasks: spec.evaluate.tasks.map(({ task }) => taskIdentity({ spec, content }, task)),
      ...backendIdentity(spec),
      weights,
      // Absent where nothing is held out, as in keys made before there was such a thing.
      ...(holdOut === undefined ? {} : { holdOut: holdOutStage.input(holdOut), maxLength: spec.train.maxLength }),
    }),
  place: (plan: Pick<Planned<KeyOfVariants<'evaluate'>>, 'keys'>, variant: string) => placeOfVariant(plan, variant, 'evaluate'),
});
