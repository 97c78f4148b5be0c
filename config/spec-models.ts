import { z } from 'zod';
import { batchSchema } from './spec-batch';
import { count, envName } from './spec-fields';
import { requestSchema } from './spec-request';
import { PROVIDER_BACKENDS } from './training-backends';

const template = z
  .union([
    z.string().min(1),
    z.strictObject({
      preQuery: z.string().min(1).describe('What stands before the text of a user turn, special tokens included.'),
      stop: z.array(z.string().min(1)).default([]).describe('Strings that end a turn.'),
      bos: z.string().nullable().default(null).describe('Text of the BOS token, if the model has one.'),
    }),
  ])
  .describe('Chat format: a name (llama-3, llama-3-paper, chatml, …) or a literal pre-query template.');

const tokenizer = z
  .string()
  .min(1)
  .describe(
    "Where the model's own chat template is read: a directory, a hub id, or a GGUF file. The target's default: target.weights, else its model id on the hub.",
  );

/** Stands for the address of a model whose server the run brings itself. */
export const SERVED_URL = 'serve:';

const serve = z
  .strictObject({
    engine: z.enum(['vllm', 'transformers', 'llama.cpp']).describe('vllm; transformers for small models; llama.cpp for a GGUF file.'),
    weights: z.string().min(1).optional().describe('A directory, a hub id, or a GGUF file for llama.cpp. Without it, target.weights.'),
    revision: z.string().min(1).optional().describe('Hub revision of these weights.'),
    args: z.array(z.string()).max(100).default([]).describe("Further arguments of the server's command line."),
  })
  .describe('A gpu worker serves this model for as long as the synthesis needs it.');

const thinking = z
  .strictObject({
    mode: z
      .enum(['auto', 'off', 'on'])
      .default('auto')
      .describe('auto: as the model and its server do by themselves. off, on: said in the field that the engine or provider takes.'),
    effort: z
      .enum(['minimal', 'low', 'medium', 'high', 'xhigh', 'max'])
      .optional()
      .describe('How much it thinks, where the model knows such efforts.'),
    maxTokens: count.max(131_072).optional().describe('Room for thoughts, added to maxTokens in every chat request.'),
  })
  .describe('Whether the model thinks before it answers. Thoughts are kept apart: never judged, never an answer.');

/** An entry under `models`. */
export const modelSchema = z
  .strictObject({
    baseURL: z
      .url({ protocol: /^(https?|serve)$/, error: 'expected an http(s) URL of an OpenAI-compatible API, such as http://127.0.0.1:8000/v1' })
      .default(SERVED_URL)
      .describe('Base URL of an OpenAI-compatible API, with its /v1. Left out where `serve` brings the server.'),
    model: z.string().min(1).describe('Model id that the endpoint knows.'),
    id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'What stands for this model in stage keys instead of baseURL and model. The same id means the same weights, wherever they are served.',
      ),
    serve: serve.optional(),
    apiKeyEnv: envName.optional().describe('Name of the environment variable that holds the API key.'),
    template: template.optional(),
    tokenizer: tokenizer.optional(),
    thinking: thinking.optional(),
    supportsN: z.boolean().default(true).describe('Whether one request may ask for several samples (`n`).'),
    request: requestSchema.optional(),
    addsBos: z
      .boolean()
      .optional()
      .describe('The endpoint puts a BOS before raw prompts whatever the request says, so none is sent (llama.cpp, with some models).'),
    tellsEnds: z
      .boolean()
      .optional()
      .describe('false: the endpoint sends finish_reason: null with every reply, so null is no sign of a text that broke off.'),
    mode: z
      .enum(['live', 'batch'])
      .optional()
      .describe(
        "live (the default): a request a call. batch: answers and judgments are ordered from the provider's batch API, for less and within a day; the same replies count. Extraction is always live.",
      ),
    batch: batchSchema.optional(),
    licence: z.string().min(1).max(200).optional().describe('Terms of what the model writes, for the data set card.'),
    limits: z
      .strictObject({
        concurrency: count.max(10_000).default(32).describe('Most requests in flight at this endpoint.'),
        requestsPerMinute: count.optional(),
        tokensPerMinute: count.optional(),
        adaptive: z
          .boolean()
          .default(true)
          .describe(
            'Go below `concurrency` while latency shows that requests only queue at the endpoint. 429 and overload always lower it.',
          ),
        timeoutMs: z.int().min(1000).max(3_600_000).default(600_000).describe('Longest time of one request.'),
      })
      .prefault({})
      .describe('What the endpoint allows. Models that share baseURL and model share these limits.'),
    price: z
      .strictObject({
        inputUsdPerMillion: z.number().min(0),
        outputUsdPerMillion: z.number().min(0),
        cachedInputUsdPerMillion: z
          .number()
          .min(0)
          .optional()
          .describe('Of prompt tokens that the endpoint reports as read from its cache; without it, they cost what others do.'),
        batchFactor: z
          .number()
          .gt(0)
          .max(1)
          .optional()
          .describe("What the provider's batch API takes of these prices, such as 0.5. Counts with mode: batch, and in `rehearse plan`."),
        trainingUsdPerMillion: z
          .number()
          .min(0)
          .optional()
          .describe(`Of trained tokens, where the endpoint fine-tunes the model (train.backend: ${PROVIDER_BACKENDS}).`),
      })
      .optional()
      .describe('Dollars per million tokens, for `rehearse plan`, the report, and a `budget` in dollars.'),
  })
  .describe('One model endpoint.');
