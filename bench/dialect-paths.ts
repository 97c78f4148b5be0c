/** How a provider's API differs from OpenAI's, for the endpoint of the benchmarks: a path of its own, refusals, and the form of replies. */
interface DialectPath {
  /** What it refuses, as status and body. */
  readonly refuses: (body: Readonly<Record<string, unknown>>) => { readonly status: number; readonly body: string } | undefined;
  readonly shape: (reply: string) => string;
}

/** By the first part of the path. */
export const DIALECT_PATHS: Readonly<Record<string, DialectPath>> = {
  // https://docs.mistral.ai/api/endpoint/chat: unknown fields are refused, the seed is random_seed, content may be parts with a thought.
  mistral: {
    refuses: (body) => {
      const field = ['seed', 'logprobs', 'add_special_tokens'].find((name) => name in body);
      if (field === undefined) return undefined;
      const detail = [{ type: 'extra_forbidden', loc: ['body', field], msg: 'Extra inputs are not permitted' }];
      return { status: 422, body: JSON.stringify({ object: 'error', message: { detail }, type: 'invalid_request_error' }) };
    },
    shape: (reply) =>
      reply.replaceAll(
        /"content":("(?:[^"\\]|\\.)*")/g,
        '"content":[{"type":"thinking","thinking":[{"type":"text","text":"Let me see."}]},{"type":"text","text":$1}]',
      ),
  },
  // https://docs.anthropic.com/en/api/openai-sdk: n must be 1, and newer models take temperature or top_p.
  claude: {
    refuses: (body) => {
      const message =
        Number(body['n'] ?? 1) > 1
          ? 'n: must be exactly 1'
          : 'temperature' in body && 'top_p' in body
            ? '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
            : undefined;
      return message === undefined
        ? undefined
        : {
            status: 400,
            body: JSON.stringify({ error: { code: 'invalid_request_error', message, type: 'invalid_request_error', param: null } }),
          };
    },
    shape: (reply) => reply.replaceAll('"finish_reason":"stop"', '"finish_reason":"end_turn"'),
  },
};
