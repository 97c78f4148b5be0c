import { APIError } from 'openai/error';

/** The fields of an endpoint's error body, whatever its shape. */
export interface ErrorFields {
  readonly message: string;
  readonly code?: string;
  readonly type?: string;
  /** The request's parameter that it names. */
  readonly param?: string;
}

/**
 * Reads the body of an error. Known shapes: `{error: {message, code, type, param}}` (OpenAI, newer vLLM,
 * llama-server), `{message, code, type}` (older vLLM, Mistral), `{error: "text"}` (TGI), `[{error: {…}}]` (Gemini),
 * `{detail: "text"}` and `{detail: [{loc, msg}]}` (FastAPI), and a proxy's page of HTML.
 * @param body parsed JSON, or the text where it is none
 */
export function readErrorBody(body: unknown): ErrorFields {
  if (typeof body === 'string') return { message: readPage(body) };
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isRecord(first)) return { message: body === undefined || body === null ? '' : JSON.stringify(body) };
  const inner = isRecord(first['error']) ? first['error'] : first;
  const message = inner['message'] ?? first['error'] ?? readDetail(inner['detail']) ?? inner;
  const metadata = isRecord(inner['metadata']) ? inner['metadata'] : {};
  // OpenRouter answers a moderated prompt with 403 and its reasons; by its status alone it would be taken for a wrong key.
  const code = Array.isArray(metadata['reasons']) ? 'content_filter' : textOf(inner['code']);
  return {
    message: typeof message === 'string' ? message : JSON.stringify(message),
    ...present('code', code),
    ...present('type', textOf(inner['type'])),
    ...present('param', textOf(inner['param'])),
  };
}

/** The SDK's error for a reply with this status and body, with the endpoint's own message whatever the body's shape. */
export function statusError(status: number, body: unknown, headers: Headers): APIError {
  const fields = readErrorBody(body);
  const location = status >= 300 && status < 400 ? headers.get('location') : null;
  const message = location === null ? fields.message : `it redirects to ${location}, which is not followed`;
  return APIError.generate(status, message === '' ? undefined : { error: { ...fields, message } }, undefined, headers);
}

function readDetail(detail: unknown): string | undefined {
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return undefined;
  return detail
    .map((entry: unknown) =>
      isRecord(entry) ? `${Array.isArray(entry['loc']) ? `${entry['loc'].join('.')}: ` : ''}${String(entry['msg'])}` : String(entry),
    )
    .join('; ');
}

/** The title of an HTML page, or its text without tags. */
function readPage(text: string): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  return (title ?? text.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim().slice(0, 300);
}

function present<Key extends string>(key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: string });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
