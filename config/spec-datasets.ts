import { z } from 'zod';
import { PUBLIC_SET_NAMES } from './replay-sets';

const files = z.array(z.string().min(1)).min(1);
const replayFiles = files.describe('JSONL or Parquet files, relative to the spec file.');

const conversationSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('messages'), column: z.string().min(1).default('messages') }),
    z.strictObject({ kind: z.literal('sharegpt'), column: z.string().min(1).default('conversations') }),
    z.strictObject({ kind: z.literal('alpaca') }),
    z.strictObject({ kind: z.literal('prompt-completion') }),
  ])
  .describe(
    'How a row holds its conversation: messages {role, content}, sharegpt {from, value}, alpaca {instruction, input, output}, or prompt-completion {prompt, completion}.',
  );

const hubRevision = z
  .string()
  .regex(/^[0-9A-Za-z._/-]{1,200}$/, 'expected a commit, tag or branch of the hub repository')
  .describe('Commit of the hub repository. Without one, the newest is taken and written down.');

const hubId = z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'expected a data set id of the hub, ORGANISATION/NAME');
const set = z.enum(PUBLIC_SET_NAMES).describe('One of the eight public sets of the paper.');
const config = z.string().min(1).optional();
const splits = z.array(z.string().min(1)).default([]).describe('Splits to draw from; without them, all.');
const licence = z.string().max(200).optional();

/** A data set that a variant draws its replay set from. */
export const dataset = z
  .union([
    z.strictObject({ set, revision: hubRevision.optional(), files: replayFiles.optional() }),
    z.strictObject({ hub: hubId, revision: hubRevision.optional(), config, splits, schema: conversationSchema, licence }),
    z.strictObject({ files: replayFiles, schema: conversationSchema, licence }),
  ])
  .describe('A data set of conversations: one of the eight (`set`), another of the hub (`hub`), or local files (`files`).');

const newFiles = files.describe('Files of JSON lines, JSON or Parquet, relative to the spec file.');
const newSchema = conversationSchema.optional().describe('How a row holds its conversation; without it, each row tells by its columns.');
const weight = z
  .number()
  .gt(0)
  .max(1_000)
  .default(1)
  .describe('How often a row of this set counts beside a row of another one. No row is taken twice: the heaviest set is used whole.');

const newForms = {
  set: z.strictObject({ set, revision: hubRevision.optional(), files: newFiles.optional() }),
  hub: z.strictObject({ hub: hubId, revision: hubRevision.optional(), config, splits, schema: newSchema, licence }),
  files: z.strictObject({ files: newFiles, schema: newSchema, licence }),
};

/** One set of new data. */
export const newDataSet = z
  .union([newForms.set.extend({ weight }), newForms.hub.extend({ weight }), newForms.files.extend({ weight })])
  .describe('A set of new data: local files (`files`), one of the hub (`hub`), or one of the eight public ones (`set`).');

/** A set whose prompts the target answers by itself. */
export const promptSet = z
  .union([z.string().min(1), newForms.set, newForms.hub, newForms.files], {
    error: 'expected a file, or a data set ({files}, {hub} or {set})',
  })
  .describe(
    'A set of conversations, of which the prompts are taken: a file, local files (`files`), one of the hub (`hub`) or of the eight (`set`).',
  );
