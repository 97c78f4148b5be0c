import { z } from 'zod';
import { dataset, promptSet } from './spec-datasets';
import { name, share } from './spec-fields';
import { trainOverridesSchema } from './spec-train';
import { OWN_ANSWER_PICKS, REPLAY_NAMES, VARIANT_NAMES } from './variant-names';

const ownAnswers = z
  .strictObject({
    ownAnswers: promptSet,
    pick: z
      .enum(OWN_ANSWER_PICKS)
      .default('first')
      .describe(
        'first: one answer to each prompt. judged: as many as synthesis.respond.samples, scored by the judges; the best mean wins.',
      ),
  })
  .describe('The prompts of a data set, answered by the target itself: as many as synthesis.extract.instructions.');

/** An entry of `variants`. */
export const variantSchema = z
  .union([
    z.enum(VARIANT_NAMES),
    z.strictObject({
      name: name.describe('Name of the row in the table.'),
      replay: z
        .union([z.enum(REPLAY_NAMES), dataset, ownAnswers])
        .optional()
        .describe(
          "What is mixed with the new data: the method's replay set, an ablation, nothing, a data set, or the target's own answers to the prompts of one. It may be left out where `train` names a method: then new data alone.",
        ),
      newShare: share.optional().describe('Instead of mix.newShare.'),
      train: trainOverridesSchema.optional(),
    }),
    z.strictObject({
      name: name.describe('Name of the row in the table.'),
      interpolate: z
        .strictObject({
          of: name.describe('Row of this table that is trained.'),
          weight: share.describe('Part of the trained weights; the rest is the official model.'),
        })
        .describe('Weights between the official model and a row that is trained anyway; no training of its own.'),
    }),
  ])
  .describe('One row of the table: a known name, {name, replay, train}, or {name, interpolate}.');
