import { z } from 'zod';
import { evaluateSchema } from './spec-evaluate';
import { count, name, share } from './spec-fields';
import { mixSchema } from './spec-mix';
import { modelSchema } from './spec-models';
import { synthesisSchema } from './spec-synthesis';
import { trainSchema } from './spec-train';
import { untilSchema } from './spec-until';
import { variantSchema } from './spec-variants';
import { PROVIDER_BACKENDS } from './training-backends';

/**
 * The run spec: one object that says everything about a run. YAML for people, JSON as the input of the
 * `experiment` workflow. Defaults are the paper's settings where the paper gives one.
 *
 * Workflows import only the types of this file: top-level zod schemas would be copied into each cached workflow.
 */
export const runSpecSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Path of the JSON Schema, for editors.'),
    version: z.literal(1).describe('Version of this format.'),
    description: z.string().max(500).optional().describe('One line about the run, for the Web UI and the report.'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(42)
      .describe('Seeds everything that is drawn.'),
    budget: z
      .strictObject({
        usd: z.number().gt(0).optional().describe('Dollars, at the `price` of each model.'),
        tokens: count.optional().describe('Tokens, of prompts and replies together.'),
      })
      .optional()
      .describe(
        'Hard limit on what the model calls of the synthesis may cost; in dollars, on a training by a provider too. The run pauses before it would be exceeded.',
      ),
    models: z.record(name, modelSchema).describe('Every model endpoint, named once.'),
    target: z.strictObject({
      model: name.describe('Name under `models` that serves the target model.'),
      weights: z
        .string()
        .min(1)
        .optional()
        .describe(
          `Its weights for training: a directory, a hub id, or builtin:smollm2-135m-instruct. Needed unless train.backend is ${PROVIDER_BACKENDS}.`,
        ),
      revision: z.string().min(1).optional().describe('Hub revision of the weights; pin it.'),
    }),
    synthesis: synthesisSchema,
    mix: mixSchema.prefault({}),
    until: untilSchema.optional(),
    variants: z
      .array(variantSchema)
      .min(1)
      .default(['official', 'method'])
      .describe('What is trained and compared. All share one synthesis.'),
    sweep: z.strictObject({ newShare: z.array(share).min(1).describe('The method again, at other shares of new data.') }).optional(),
    train: trainSchema.prefault({}),
    evaluate: evaluateSchema.prefault({}),
    report: z
      .strictObject({ examples: z.int().min(0).max(100).default(6).describe('Instructions shown with all their responses and scores.') })
      .prefault({}),
  })
  .describe('A Rehearse run.');

/** A validated run spec, defaults filled in. */
export type RunSpec = z.output<typeof runSpecSchema>;
/** What a user may write. */
export type RunSpecInput = z.input<typeof runSpecSchema>;
export type ModelSpec = RunSpec['models'][string];
/** Limits of a model that a running run may be given instead of its spec's; what is left out stays as it is there. */
export interface ModelLimits {
  readonly concurrency?: number;
  /** Null lifts the spec's limit. */
  readonly requestsPerMinute?: number | null;
  readonly tokensPerMinute?: number | null;
}
export type ServeSpec = NonNullable<ModelSpec['serve']>;
export type Sampling = RunSpec['synthesis']['extract']['sampling'];
export type EvaluateTask = RunSpec['evaluate']['tasks'][number];
