import type { ModelErrorKind } from './model-errors';

/** What of a request the advice depends on. */
export interface RequestTraits {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const FIX_THE_CAUSE = 'see the cause below, fix it, and resume the run';

type Advise = (failure: Refusal, request: RequestTraits | undefined) => string;

/** For each kind what to do; a function where that depends on the request. */
const ADVICE: Readonly<Record<ModelErrorKind, string | Advise>> = {
  auth: 'check the key in the environment variable that apiKeyEnv names, on the machine of the llm worker',
  not_found: notFoundAdvice,
  redirect: 'write the address to which it redirects as baseURL, if you trust it with your key',
  no_host: "check the host name in baseURL, and that this machine's name server knows it",
  tls: 'check that baseURL has the right scheme (http or https) and host; for a certificate of your own, set NODE_EXTRA_CA_CERTS on the llm worker',
  bad_body: ({ param }) =>
    param === 'stream' ? line('body: {stream: false}') : 'baseURL does not seem to be an OpenAI-compatible API (it usually ends in /v1)',
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

/** What of a failure the advice depends on. */
interface Refusal {
  readonly kind: ModelErrorKind;
  readonly param?: string;
  readonly message?: string;
}

/** The way out, for the message of an error that ends a run. */
export function adviceFor(failure: Refusal, request?: RequestTraits): string {
  const advice = ADVICE[failure.kind];
  return typeof advice === 'string' ? advice : advice(failure, request);
}

/** Azure's addresses, and what they want that the OpenAI API does not. */
const AZURE = /\.azure\.com|\/openai\/(?:deployments\/|v1\b)/;
const AZURE_WANTS =
  'Azure OpenAI wants the key as request: {headersEnv: {api-key: NAME}}, and a URL with /deployments/ also request: {query: {api-version: "2024-10-21"}} (docs/endpoints.md)';

/** What a wrong key, or an address that is not there, means besides at some APIs. @param endpoint model and address */
export function addressAdvice({ kind }: Refusal, endpoint: string): string {
  return (kind === 'auth' || kind === 'not_found') && AZURE.test(endpoint) ? `; ${AZURE_WANTS}` : '';
}

/** An API for chats alone has no such path, or refuses the model there. */
function notFoundAdvice(_failure: Refusal, request: RequestTraits | undefined): string {
  const general = 'check baseURL (it usually ends in /v1) and the model id; GET baseURL/models lists what is served';
  if (request?.path !== 'completions') return general;
  return `${general}; a target model, and a judge with scoring: expected and a template, needs raw completions (/completions), which APIs for chats alone lack: docs/endpoints.md says who has them`;
}

/** A refusal is about the request: what it asks for besides a completion is what the endpoint may not support. */
function refusalAdvice({ kind, param, message = '' }: Refusal, request: RequestTraits | undefined): string {
  const body = request?.body ?? {};
  if (param !== undefined && request !== undefined) {
    if (param === 'max_tokens' && Object.hasOwn(body, param) && wantsOtherName(kind, message)) {
      return line('rename: {max_tokens: max_completion_tokens}');
    }
    const mend = LINES[param];
    if (mend !== undefined && Object.hasOwn(body, param)) return line(mend);
  }
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
  if (param !== undefined && request !== undefined && kind === 'unsupported') {
    // What no stage asks for comes from the spec's own request.body.
    return Object.hasOwn(body, param) ? line(`omit: [${param}]`) : `remove ${param} from request.body of this model, or correct it`;
  }
  const all = Object.values(asks).filter((each) => each !== undefined);
  if (request?.path === 'completions') all.push('check template, since raw prompts are sent');
  return all.length === 0 ? 'check template, maxTokens and supportsN against what the endpoint allows' : all.join('; ');
}

/** Settings of `request` that mend the refusal of a field. */
const LINES: Readonly<Record<string, string>> = {
  temperature: 'omit: [temperature]',
  top_p: 'omit: [top_p]',
  seed: 'omit: [seed]',
  stop: 'omit: [stop]',
  add_special_tokens: 'omit: [add_special_tokens]',
  skip_special_tokens: 'omit: [skip_special_tokens]',
  stop_token_ids: 'omit: [stop_token_ids]',
  top_k: 'omit: [top_k]',
  min_p: 'omit: [min_p]',
  repetition_penalty: 'omit: [repetition_penalty]',
};

/** Proxies pass the words of OpenAI on without its code; vLLM names both fields where the number is too large. */
function wantsOtherName(kind: ModelErrorKind, message: string): boolean {
  return (
    kind === 'unsupported' ||
    (/\bmax_completion_tokens\b/.test(message) && !/too large|too many|maximum|exceed|at most|less than/i.test(message))
  );
}

function line(setting: string): string {
  return `add this line to the model under models in the spec: request: {${setting}}`;
}
