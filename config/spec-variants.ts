import { z } from 'zod';
import { PUBLIC_SET_NAMES } from './replay-sets';
import { name, share } from './spec-fields';
import { REPLAY_NAMES, VARIANT_NAMES } from './variant-names';

const files = z.array(z.string().min(1)).min(1).describe('JSONL or Parquet files, relative to the spec file.');

const conversationSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('messages'), column: z.string().min(1).default('messages') }),
    z.strictObject({ kind: z.literal('sharegpt'), column: z.string().min(1).default('conversations') }),
    z.strictObject({ kind: z.literal('alpaca') }),
  ])
  .describe('How a row holds its conversation: messages {role, content}, sharegpt {from, value}, or alpaca {instruction, input, output}.');

const hubRevision = z
  .string()
  .regex(/^[0-9A-Za-z._/-]{1,200}$/, 'expected a commit, tag or branch of the hub repository')
  .describe('Commit of the hub repository. Without one, the newest is taken and written down.');

const dataset = z
  .union([
    z.strictObject({
      set: z.enum(PUBLIC_SET_NAMES).describe('One of the eight public sets of the paper.'),
      revision: hubRevision.optional(),
      files: files.optional(),
    }),
    z.strictObject({
      hub: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'expected a data set id of the hub, ORGANISATION/NAME'),
      revision: hubRevision.optional(),
      config: z.string().min(1).optional(),
      splits: z.array(z.string().min(1)).default([]).describe('Splits to draw from; without them, all.'),
      schema: conversationSchema,
      licence: z.string().max(200).optional(),
    }),
    z.strictObject({ files, schema: conversationSchema, licence: z.string().max(200).optional() }),
  ])
  .describe('A data set of conversations: one of the eight (`set`), another of the hub (`hub`), or local files (`files`).');

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
