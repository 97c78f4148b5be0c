import { z } from 'zod';
import { count } from './spec-fields';

/** Who speaks which batch API: OpenAI's (Azure's, Groq's and others' are of its shape), Together's, or Anthropic's message batches. */
const BATCH_APIS = ['openai', 'together', 'anthropic'] as const;

/** `models.X.batch`: how answers and judgments are ordered where `mode` is `batch`. */
export const batchSchema = z
  .strictObject({
    api: z
      .enum(BATCH_APIS)
      .optional()
      .describe("Whose batch API baseURL speaks. Without it, by the host: Anthropic's, Together's, else OpenAI's (Azure, Groq, …)."),
    maxRequests: count.max(100_000).optional().describe("Most requests of one batch. Without it, the API's own limit."),
    maxBytes: count.min(10_000).max(256_000_000).optional().describe("Most bytes of one batch. Without it, the API's own limit."),
    enqueuedTokens: count
      .optional()
      .describe(
        'Most tokens that are ordered and not done, as the provider counts them for this model; more is ordered when some are done.',
      ),
    pollSeconds: z.number().min(0.05).max(3600).default(60).describe('How often a batch is looked at.'),
  })
  .describe('Settings of the batch API, for mode: batch.');
