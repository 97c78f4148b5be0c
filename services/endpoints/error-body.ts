import { APIError } from 'openai/error';
import { LONGEST_WAIT_MS } from './retry-timing';

/** The fields of an endpoint's error body, whatever its shape. */
export interface ErrorFields {
  readonly message: string;
  readonly code?: string;
  readonly type?: string;
  /** The request's parameter that it names. */
  readonly param?: string;
  /** How long it asks to wait. */
  readonly retryAfterMs?: number;
}

/**
 * Reads the body of an error. Known shapes: `{error: {message, code, type, param}}` (OpenAI, newer vLLM,
 * llama-server), `{message, code, type}` (older vLLM, Mistral), `{error: "text"}` (TGI), `[{error: {…}}]` (Gemini),
 * `{detail: "text"}` and `{detail: [{loc, msg}]}` (FastAPI), the same under `message` (Mistral), `{error: "text", code}` (xAI), what is
 * behind a gateway in `metadata.raw` (OpenRouter), Google's `details` (RetryInfo, BadRequest, ErrorInfo), and a proxy's page of HTML.
 * @param body parsed JSON, or the text where it is none
 */
export function readErrorBody(body: unknown): ErrorFields {
  if (typeof body === 'string') return { message: readPage(body) };
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isRecord(first)) return { message: body === undefined || body === null ? '' : JSON.stringify(body) };
  const inner = isRecord(first['error']) ? first['error'] : first;
  const detail = detailsOf(inner) ?? detailsOf(first);
  const message =
    (detail === undefined ? undefined : readDetail(detail)) ?? inner['message'] ?? first['error'] ?? readDetail(inner['detail']) ?? inner;
  const google = googleDetails(inner['details']);
  const refused = refusedField(detail) ?? unknownName(message);
  const metadata = isRecord(inner['metadata']) ? inner['metadata'] : {};
  const behind = metadata['raw'] === undefined || metadata['raw'] === null ? undefined : readErrorBody(parsed(metadata['raw']));
  // OpenRouter answers a moderated prompt with 403 and its reasons, xAI with a check's name; by its status alone it would be taken for a wrong key.
  const isModerated = Array.isArray(metadata['reasons']) || (typeof message === 'string' && message.includes('SAFETY_CHECK_TYPE_'));
  const own = [google.reason, inner['code'], first['code']].map(textOf).find((code) => code !== undefined);
  const code = isModerated ? 'content_filter' : (refused?.code ?? behind?.code ?? own);
  const words = typeof message === 'string' ? message : JSON.stringify(message);
  const param = nameOf(inner['param']) ?? refused?.param ?? google.field ?? behind?.param;
  return {
    message: behind === undefined || behind.message === '' ? words : `${words}: ${behind.message}`,
    ...present('code', code),
    ...present('type', behind?.type ?? textOf(inner['type'])),
    ...present('param', param),
    ...(google.retryAfterMs === undefined ? {} : { retryAfterMs: google.retryAfterMs }),
  };
}

interface GoogleDetails {
  readonly reason?: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

/** What Google's APIs say besides their words (google.rpc.ErrorInfo, BadRequest, RetryInfo). */
function googleDetails(details: unknown): GoogleDetails {
  const entries = (Array.isArray(details) ? (details as unknown[]) : []).filter(isRecord);
  const delay = entries
    .map(({ retryDelay }) => /^(\d+(?:\.\d+)?)s$/.exec(textOf(retryDelay) ?? '')?.[1])
    .find((seconds) => seconds !== undefined);
  const violations = entries.flatMap(({ fieldViolations }) => (Array.isArray(fieldViolations) ? (fieldViolations as unknown[]) : []));
  const field = violations
    .filter(isRecord)
    .map(({ field: path }) => textOf(path)?.split('.').at(-1))
    .find(Boolean);
  const reason = entries.map(({ reason: name }) => textOf(name)).find((name) => name !== undefined);
  return {
    ...present('reason', reason),
    ...present('field', field === 'candidate_count' || field === 'candidateCount' ? 'n' : field),
    ...(delay === undefined ? {} : { retryAfterMs: Math.min(LONGEST_WAIT_MS, Math.ceil(Number(delay) * 1000)) }),
  };
}

/** A body that is put into another one as text. */
function parsed(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return raw;
  }
}

/** The SDK's error for a reply with this status and body, with the endpoint's own message whatever the body's shape. */
export function statusError(status: number, body: unknown, headers: Headers): APIError {
  const fields = readErrorBody(body);
  const location = status >= 300 && status < 400 ? headers.get('location') : null;
  const message = location === null ? fields.message : `it redirects to ${location}, which is not followed`;
  return APIError.generate(status, message === '' ? undefined : { error: { ...fields, message } }, undefined, headers);
}

/** The list of a validation's complaints, wherever it stands. */
function detailsOf(body: Record<string, unknown>): unknown[] | undefined {
  const message = body['message'];
  const lists = [body['detail'], message, isRecord(message) ? message['detail'] : undefined];
  return lists.find((list): list is unknown[] => Array.isArray(list) && list.some(isRecord));
}

/** What pydantic, 2 and 1, calls a field that it does not know. */
const UNKNOWN_FIELD: readonly string[] = ['extra_forbidden', 'value_error.extra'];

/** The field of the body that a validation does not know, with the validation's own code; else the first field that it names. */
function refusedField(details: readonly unknown[] | undefined): { readonly code?: string; readonly param?: string } | undefined {
  const entries = (details ?? []).filter(isRecord);
  const unknown = entries.find(({ type }) => typeof type === 'string' && UNKNOWN_FIELD.includes(type));
  const entry = unknown ?? entries[0];
  if (entry === undefined) return undefined;
  const place = Array.isArray(entry['loc']) ? entry['loc'].filter((part) => part !== 'body') : [];
  return { ...present('code', textOf(unknown?.['type'])), ...present('param', textOf(place[0])) };
}

/** Google's JSON reader names a field that it does not know in a fixed form only. */
function unknownName(message: unknown): { readonly code: string; readonly param: string } | undefined {
  const param = typeof message === 'string' ? /Unknown name "(\w+)"/.exec(message)?.[1] : undefined;
  return param === undefined ? undefined : { code: 'unknown_parameter', param };
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

/** LiteLLM writes Python's None as text. */
function nameOf(value: unknown): string | undefined {
  const name = textOf(value);
  return name === 'None' || name === 'null' || name === '' ? undefined : name;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
