import { nearestNames } from '../../method/nearest-names';
import { beginningOf } from './beginning-of';
import { createRedact, secretOfHeader } from './secrets';

export interface EndpointCheckOptions {
  readonly baseURL: string;
  readonly apiKey?: string;
  readonly timeoutMs: number;
  /** Headers of the model's `request`, and the query of its URLs with its question mark. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
}

/** What `GET {baseURL}/models` said: the ids, or why there are none. */
export type ServedModels =
  | { readonly ids: readonly string[] }
  /** `unlisted`: it has no such list, which says nothing of the model. */
  | { readonly problem: string; readonly hint: string; readonly unlisted?: true };

/** Most bytes of a list of models that are read. */
const MAX_REPLY_BYTES = 8 << 20;

/** Asks an OpenAI-compatible endpoint which models it serves. Never throws: a failure is returned with the way out. */
export async function servedModels(options: EndpointCheckOptions): Promise<ServedModels> {
  const { apiKey, headers = {} } = options;
  const redact = createRedact([apiKey, ...Object.values(headers).map(secretOfHeader)]);
  const served = await ask(options);
  return 'ids' in served ? served : { ...served, problem: redact(served.problem), hint: redact(served.hint) };
}

async function ask({ baseURL, apiKey, timeoutMs, headers = {}, query = '' }: EndpointCheckOptions): Promise<ServedModels> {
  const url = `${baseURL.replace(/\/+$/, '')}/models${query}`;
  let reply: Response;
  let text: string;
  try {
    reply = await fetch(url, {
      headers: { ...(apiKey === undefined || apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }), ...headers },
      signal: AbortSignal.timeout(timeoutMs),
      // A redirect would send the key to another host.
      redirect: 'error',
    });
    text = await beginningOf(reply, MAX_REPLY_BYTES);
  } catch (error) {
    return { problem: `${url} cannot be reached (${reasonOf(error)})`, hint: 'start the server, or correct baseURL' };
  }
  if (reply.status === 401 || reply.status === 403) {
    return {
      problem: `${url} refuses the ${apiKey === undefined || apiKey === '' ? 'request without a key' : 'key'} (HTTP ${reply.status})`,
      hint: 'put the key into an environment variable and its name under apiKeyEnv',
    };
  }
  if (reply.status === 404) {
    return {
      problem: `${url} does not exist (HTTP 404)`,
      hint: 'baseURL usually ends with /v1',
      ...(query === '' ? {} : { unlisted: true as const }),
    };
  }
  if (!reply.ok) return { problem: `${url} answers with HTTP ${reply.status}`, hint: "look at the server's log" };
  const ids = modelIds(text);
  if (ids === undefined) return { problem: `${url} does not answer as the OpenAI API does`, hint: 'baseURL usually ends with /v1' };
  return { ids };
}

/** The problem, and a hint, when an endpoint does not serve the spec's model; null when it does. */
export function missingModel(model: string, ids: readonly string[]): { readonly problem: string; readonly hint: string } | null {
  if (ids.includes(model)) return null;
  const near = nearestNames(model, ids, 1)[0];
  const shown = ids.slice(0, 5).join(', ');
  return {
    problem: `the endpoint does not list the model ${JSON.stringify(model)}`,
    hint:
      near === undefined
        ? ids.length === 0
          ? 'it lists none'
          : `it lists ${shown}${ids.length > 5 ? ' and others' : ''}`
        : `did you mean ${JSON.stringify(near)}?`,
  };
}

function modelIds(text: string): string[] | undefined {
  try {
    const body = JSON.parse(text) as { data?: unknown } | null;
    if (!Array.isArray(body?.data)) return undefined;
    return body.data.flatMap((entry: unknown) => {
      const id = (entry as { id?: unknown } | null)?.id;
      return typeof id === 'string' ? [id] : [];
    });
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer in time';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code ?? (cause instanceof Error && cause.message !== '' ? cause.message : 'no connection');
}
