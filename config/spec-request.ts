import { z } from 'zod';
import { envName } from './spec-fields';

/** A field at the top of a request's body. */
const field = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'expected the name of a field of the request, such as top_p')
  .describe('Name of a field at the top of the request.');

/** An HTTP header's name (RFC 9110, section 5.1). */
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'expected the name of an HTTP header, such as api-key')
  .describe('Name of an HTTP header.');

/** `models.NAME.request`: how an endpoint wants its requests where it is not as the OpenAI API was written. */
export const requestSchema = z
  .strictObject({
    body: z
      .record(field, z.json())
      .optional()
      .describe(
        'Further fields of every request, such as top_k, chat_template_kwargs or reasoning_effort; they go before what a stage sends.',
      ),
    query: z.record(z.string().min(1).max(64), z.string()).optional().describe('Query of the URL, such as api-version.'),
    headersEnv: z
      .record(headerName, envName)
      .optional()
      .describe('HTTP headers, each with the NAME of the environment variable that holds its value, never the value.'),
    omit: z.array(field).max(20).optional().describe('Fields that are not sent, since the endpoint refuses them.'),
    rename: z
      .record(field, field)
      .optional()
      .describe('Fields that the endpoint calls otherwise, such as max_tokens: max_completion_tokens.'),
  })
  .describe('What a request to this endpoint has besides, or has otherwise.');

export type RequestSpec = z.output<typeof requestSchema>;

/** Fields of `body` that name, bill or route a request and leave its reply as it is, so that they are no part of a key. */
const NEUTRAL_FIELDS: readonly string[] = [
  'user',
  'metadata',
  'store',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'service_tier',
  'cache_prompt',
];

/**
 * The part of a model's `request` that decides what it replies, for stage keys: fields that are added, left out or renamed. Query and
 * headers say where a request goes and who pays for it. Undefined where nothing is set.
 */
export function keyedRequest({ body = {}, omit = [], rename = {} }: RequestSpec = {}): Readonly<Record<string, unknown>> | undefined {
  const kept = Object.entries(body).filter(([name]) => !NEUTRAL_FIELDS.includes(name));
  const parts = {
    ...(kept.length === 0 ? {} : { body: Object.fromEntries(kept) }),
    ...(omit.length === 0 ? {} : { omit: [...new Set(omit)].sort() }),
    ...(Object.keys(rename).length === 0 ? {} : { rename }),
  };
  return Object.keys(parts).length === 0 ? undefined : parts;
}
