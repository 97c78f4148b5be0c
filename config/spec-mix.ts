import { z } from 'zod';
import { count } from './spec-fields';

/** `mix`: replay set and new data. */
export const mixSchema = z
  .strictObject({
    newData: z
      .string()
      .min(1)
      .describe('JSONL file of the new SFT data: one {"messages": [{role, content}, …]} a line. Relative to the spec file.'),
    newShare: z.number().gt(0).lt(1).default(0.17).describe('Part of the mixture that is new data, by count. Paper: 0.17.'),
    maxExamples: count.optional().describe('Most examples of the mixture; without it, as many as both sides allow.'),
    holdOut: z
      .strictObject({
        replay: z.int().min(0).default(0).describe('Instructions of the replay set to hold out, with their answers.'),
        new: z.int().min(0).default(0).describe('Conversations of the new data to hold out.'),
      })
      .optional()
      .describe('Rows that no variant is trained on: the loss on them is measured.'),
  })
  .describe('Replay set and new data, mixed.');
