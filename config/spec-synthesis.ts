import { z } from 'zod';
import { TRUNCATED_RULES } from '../method/selection';
import { DEFAULT_SCORING, SCORE_READINGS, SCORINGS, scoringsWith } from './score-readings';
import { count, name } from './spec-fields';
import { qualitySchema } from './spec-quality';

/** Each stage has defaults of its own, also for the fields that a spec leaves out of a `sampling` that it gives. */
const samplingWith = (defaults: { temperature: number; maxTokens: number }) =>
  z
    .strictObject({
      temperature: z.number().min(0).max(2).default(defaults.temperature).describe('Sampling temperature, 0 to 2.'),
      topP: z.number().gt(0).max(1).default(1).describe('Nucleus sampling mass, above 0 up to 1.'),
      maxTokens: count.max(131_072).default(defaults.maxTokens).describe('Most tokens of one reply.'),
    })
    .describe('How replies are sampled.');

const sampling = samplingWith({ temperature: 1, maxTokens: 2048 });

const samplingOverrides = z
  .record(
    name,
    z.strictObject({
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().gt(0).max(1).optional(),
      maxTokens: count.max(131_072).optional(),
    }),
  )
  .default({})
  .describe('Sampling of single models, by their names under `models`; what is left out comes from `sampling`.');

const extract = z
  .strictObject({
    instructions: count.max(10_000_000).describe('How many instructions to extract. Paper: 100,000.'),
    sampling: sampling.prefault({}),
    stop: z.array(z.string().min(1)).default([]).describe('Stop strings besides those of the template.'),
    stopAtNewline: z
      .boolean()
      .default(false)
      .describe('End every instruction at its first line break, as Magpie does. It cuts instructions of several lines.'),
    maxAttempts: count.max(20).default(3).describe('Calls for one instruction before it is counted as lost.'),
    acceptTruncated: z.boolean().default(false).describe('Keep instructions that were cut at maxTokens.'),
  })
  .describe('Step 1: the bare pre-query template, sampled many times.');

const respond = z
  .strictObject({
    generators: z.array(name).min(1).describe('Models that answer. Paper: the target and two others.'),
    samples: count.max(64).default(3).describe('Responses of each generator to an instruction. Paper: 3.'),
    sampling: sampling.prefault({}),
    perModel: samplingOverrides,
    maxAttempts: count.max(20).default(3),
    acceptTruncated: z
      .boolean()
      .default(true)
      .describe('Keep responses that were cut at maxTokens; synthesis.select.truncated says whether one may win.'),
  })
  .describe('Step 2: several responses of each generator.');

const massReadings = scoringsWith(({ usesRatingMass }) => usesRatingMass);

const judge = z
  .strictObject({
    judges: z.array(name).min(1).describe('Models that score. Paper: the generators themselves.'),
    scoring: z
      .enum(SCORINGS)
      .default(DEFAULT_SCORING)
      .describe(SCORINGS.map((scoring) => `${scoring}: ${SCORE_READINGS[scoring].phrases.schema}`).join(' ')),
    sampling: samplingWith({ temperature: 0, maxTokens: 512 }).prefault({}),
    perModel: samplingOverrides,
    maxAttempts: count.max(20).default(3),
    minRatingMass: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe(`${massReadings.join(', ')} only: least probability that the five ratings must hold together.`),
    skip: z
      .enum(['none', 'cannot-win'])
      .default('none')
      .describe('cannot-win: a judge is not shown a response that can no longer win. The same responses win as without it.'),
    order: z
      .array(name)
      .min(1)
      .optional()
      .describe(
        'cannot-win only: the judges in their order. Without it: the dearest last, and the target first where target-best is a row.',
      ),
    rounds: z
      .enum(['generators', 'prospects'])
      .default('generators')
      .describe(
        "cannot-win only: what a later judge is shown first. generators: one generator's responses after another's. prospects: of each instruction the response with the best scores so far, then the next two, then what can still win, which is about half as many.",
      ),
    auditShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.02)
      .describe('cannot-win only: share of the instructions that are judged in full, for agreement and self-preference.'),
  })
  .describe('Step 3: every judge scores every response with the Table 2 prompt.');

const select = z
  .strictObject({
    policy: z
      .enum(['complete', 'available'])
      .default('complete')
      .describe(
        'complete: an instruction is kept only when every judge scored every response. available: means over the scores there are.',
      ),
    minJudges: count.default(1).describe('available only: scores that a response needs.'),
    truncated: z
      .enum(TRUNCATED_RULES)
      .default('keep')
      .describe(
        'Responses that were cut at maxTokens. keep: they compete by their scores alone, as in the paper. last: one wins only where no whole one does. drop: none wins.',
      ),
  })
  .describe('Best mean score wins.');

/** `synthesis`: the three steps and the selection. */
export const synthesisSchema = z
  .strictObject({
    extract,
    quality: qualitySchema.optional(),
    respond,
    judge,
    select: select.prefault({}),
    shardSize: count.max(5_000).default(500).describe('Instructions of one shard, the unit of scheduling.'),
    concurrentShards: count.max(200).default(8).describe('Shards in work at once.'),
  })
  .describe('From the target model to the replay set.');
