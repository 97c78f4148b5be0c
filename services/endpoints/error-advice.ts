import type { ModelErrorKind } from './model-errors';

/** What of a request the advice depends on. */
export interface RequestTraits {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const FIX_THE_CAUSE = 'see the cause below, fix it, and resume the run';

/** For each kind what to do; a function where that depends on the request. */
const ADVICE: Readonly<Record<ModelErrorKind, string | typeof refusalAdvice>> = {
  auth: 'check the key in the environment variable that apiKeyEnv names, on the machine of the llm worker',
  not_found: 'check baseURL (it usually ends in /v1) and the model id; GET baseURL/models lists what is served',
  redirect: 'write the address to which it redirects as baseURL, if you trust it with your key',
  no_host: "check the host name in baseURL, and that this machine's name server knows it",
  tls: 'check that baseURL has the right scheme (http or https) and host; for a certificate of your own, set NODE_EXTRA_CA_CERTS on the llm worker',
  bad_body: 'baseURL does not seem to be an OpenAI-compatible API (it usually ends in /v1)',
  quota: 'the account has no credit left; add some and resume the run',
  refused: refusalAdvice,
  context_overflow: refusalAdvice,
  unsupported: refusalAdvice,
  content_filter: FIX_THE_CAUSE,
  rate_limited: FIX_THE_CAUSE,
  overloaded: FIX_THE_CAUSE,
  server_error: FIX_THE_CAUSE,
  timeout: FIX_THE_CAUSE,
  connection: FIX_THE_CAUSE,
  unexpected: FIX_THE_CAUSE,
  aborted: FIX_THE_CAUSE,
};

/** The way out, for the message of an error that ends a run. */
export function adviceFor({ kind, param }: { readonly kind: ModelErrorKind; readonly param?: string }, request?: RequestTraits): string {
  const advice = ADVICE[kind];
  return typeof advice === 'string' ? advice : advice(param, request);
}

/** A refusal is about the request: what it asks for besides a completion is what the endpoint may not support. */
function refusalAdvice(param: string | undefined, request: RequestTraits | undefined): string {
  const body = request?.body ?? {};
  const asks: Record<string, string | undefined> = {
    n:
      typeof body['n'] === 'number' && body['n'] > 1
        ? `the requests ask for n = ${body['n']} samples: set supportsN: false for this model if it does not take n`
        : undefined,
    logprobs:
      body['logprobs'] === undefined
        ? undefined
        : 'the requests ask for logprobs: set synthesis.judge.scoring: text if the endpoint gives none',
    max_tokens:
      typeof body['max_tokens'] === 'number'
        ? `the requests ask for up to ${body['max_tokens']} tokens: lower maxTokens if that is more than the endpoint allows`
        : undefined,
  };
  const named = param === undefined ? undefined : asks[param === 'top_logprobs' ? 'logprobs' : param];
  if (named !== undefined) return named;
  const all = Object.values(asks).filter((line) => line !== undefined);
  if (request?.path === 'completions') all.push('check template, since raw prompts are sent');
  return all.length === 0 ? 'check template, maxTokens and supportsN against what the endpoint allows' : all.join('; ');
}
