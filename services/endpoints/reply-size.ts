/** Bytes of a reply besides its text: ids, usage, what a gateway adds. */
const BASE = 256 * 1024;
/** Bytes of JSON that a token may take: a long one, escaped, that comes twice, beside thoughts of the same length. */
const PER_TOKEN = 512;
/** Bytes of JSON of one token with its probability: the token, its bytes as numbers, and the names of the fields. */
const PER_ALTERNATIVE = 512;
/** An endpoint may send the prompt back, escaped. */
const PER_SENT_BYTE = 6;

/**
 * The most bytes that a reply to this request can sensibly have. What is longer is no reply: an endless body, or one that says a
 * length that no text has.
 * @param sentBytes length of the request
 */
export function mostReplyBytes(asked: Readonly<Record<string, unknown>>, sentBytes: number): number {
  const samples = numberOr(asked['n'], 1);
  const tokens = numberOr(asked['max_tokens'], 4096) * samples;
  const alternatives = Math.max(numberOr(asked['top_logprobs'], 0), numberOr(asked['logprobs'], 0));
  const hasLogprobs = asked['logprobs'] !== undefined && asked['logprobs'] !== false;
  return BASE + PER_SENT_BYTE * sentBytes + tokens * (PER_TOKEN + (hasLogprobs ? (1 + alternatives) * PER_ALTERNATIVE : 0));
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
}
