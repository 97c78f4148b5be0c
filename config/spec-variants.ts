import { z } from 'zod';
import { dataset } from './spec-datasets';
import { name, share } from './spec-fields';
import { REPLAY_NAMES, VARIANT_NAMES } from './variant-names';

/** An entry of `variants`. */
export const variantSchema = z
  .union([
    z.enum(VARIANT_NAMES),
    z.strictObject({
      name: name.describe('Name of the row in the table.'),
      replay: z
        .union([z.enum(REPLAY_NAMES), dataset])
        .describe("What is mixed with the new data: the method's replay set, an ablation, nothing, or a data set."),
      newShare: share.optional().describe('Instead of mix.newShare.'),
    }),
  ])
  .describe('One row of the table: a known name, or {name, replay}.');
