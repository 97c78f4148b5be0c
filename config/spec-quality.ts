import { z } from 'zod';
import { FEWEST_WORDS } from '../method/quality/contamination';
import type { QualityRules } from '../method/quality/instruction-filter';

const bound = z.int().positive().max(1_000_000).optional();

/** `synthesis.quality`: the filters between extraction and the first paid answer, each on when it is there. */
export const qualitySchema = z
  .strictObject({
    length: z
      .strictObject({ minWords: bound, maxWords: bound, minChars: bound, maxChars: bound })
      .optional()
      .describe("Bounds on an instruction's length. Words are what stands between white space."),
    refusals: z.boolean().default(false).describe("Drop instructions that are an assistant's refusal or greeting (English)."),
    language: z.array(z.string()).min(1).optional().describe('ISO 639-1 codes of the languages to keep. Short or doubtful texts are kept.'),
    decontaminate: z
      .strictObject({ ngram: z.int().min(FEWEST_WORDS).max(100).default(13).describe('Words in a row that make a match. GPT-3: 13.') })
      .optional()
      .describe('Drop instructions that share words in a row with a document of the evaluation tasks.'),
    duplicates: z
      .strictObject({
        exact: z.boolean().default(true).describe('Drop repetitions of a text, letter case, white space and compatibility forms aside.'),
        near: z
          .strictObject({
            threshold: z.number().min(0.3).max(1).default(0.8).describe('Least Jaccard similarity that makes a near duplicate.'),
            shingleSize: z.int().min(2).max(50).default(5).describe('Characters of a shingle.'),
            permutations: z.int().min(16).max(1024).default(128).describe('Components of a MinHash signature.'),
          })
          .optional()
          .describe('Drop texts that are nearly a kept one, by MinHash over character shingles.'),
      })
      .optional()
      .describe('Of texts that are alike, the first is kept.'),
  })
  .describe('Filters of the instructions, before any of them is answered. Off in the paper.');

/** What a spec's filters come to: undefined when none is on, and nothing that is off. */
export function activeQuality({
  synthesis: { quality },
}: {
  readonly synthesis: { readonly quality?: z.output<typeof qualitySchema> };
}): QualityRules | undefined {
  if (quality === undefined) return undefined;
  const { length, refusals, language, decontaminate, duplicates } = quality;
  const bounds = Object.fromEntries(Object.entries(length ?? {}).filter(([, value]) => value !== undefined));
  const rules: QualityRules = {
    ...(Object.keys(bounds).length > 0 ? { length: bounds } : {}),
    ...(refusals ? { refusals } : {}),
    ...(language === undefined ? {} : { language: [...language].sort() }),
    ...(decontaminate === undefined ? {} : { decontaminate }),
    ...(duplicates !== undefined && (duplicates.exact || duplicates.near !== undefined) ? { duplicates } : {}),
  };
  return Object.keys(rules).length === 0 ? undefined : rules;
}
