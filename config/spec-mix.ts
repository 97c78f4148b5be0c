import { z } from 'zod';
import { newDataSet } from './spec-datasets';
import { count } from './spec-fields';

const ONE_SET = 'a file, or a data set ({files}, {hub} or {set})';

/** `mix`: replay set and new data. */
export const mixSchema = z
  .strictObject({
    newData: z
      .union([z.string().min(1), newDataSet, z.array(z.union([z.string().min(1), newDataSet], { error: `expected ${ONE_SET}` })).min(1)], {
        error: `expected ${ONE_SET}, or a list of such`,
      })
      .optional()
      .describe(
        'The new SFT data: a file with one {"messages": [{role, content}, …]} a line, a data set, or a list of such. Relative to the spec file.',
      ),
    newShare: z.number().gt(0).lt(1).default(0.17).describe('Part of the mixture that is new data, by count. Paper: 0.17.'),
    maxExamples: count.optional().describe('Most examples of the mixture; without it, as many as both sides allow.'),
    exclude: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of rows that no mixture holds: one {"id": …, "reason": …} a line, as `rehearse view` writes flags. Relative to the spec file.',
      ),
    holdOut: z
      .strictObject({
        replay: z.int().min(0).default(0).describe('Instructions of the replay set to hold out, with their answers.'),
        new: z.int().min(0).default(0).describe('Conversations of the new data to hold out.'),
      })
      .optional()
      .describe('Rows that no variant is trained on: the loss on them is measured.'),
  })
  .describe('Replay set and new data, mixed.');
