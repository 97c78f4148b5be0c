import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../stages/sha256';

/** What of a request decides whether it is answered. */
export interface GuardedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** Names by which this machine's browser may call the server: another one is a page elsewhere whose name was made to lead here. */
function isOurHost(host: unknown, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

/**
 * Why a request is not answered; undefined where it may be. Every request must name this machine (DNS rebinding) and carry the
 * token as the first part of its path; one that changes something must come from a page of ours, too.
 */
export function refusalOf({ method, url, headers }: GuardedRequest, { token, port }: { token: string; port: number }): Refusal | undefined {
  if (!isOurHost(headers['host'], port)) return { status: 421, text: 'This server answers as 127.0.0.1 and localhost only.' };
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return { status: 405, text: 'GET and POST only.' };
  const given = /^\/([^/?#]*)/.exec(url)?.[1] ?? '';
  if (!isSame(given, token)) {
    return { status: 403, text: 'The token is missing or wrong: open the address that "rehearse view" printed in its terminal.' };
  }
  if (method !== 'POST') return undefined;
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const isOurs = origin === `http://${String(headers['host'])}` && (site === undefined || site === 'same-origin');
  if (!isOurs) return { status: 403, text: 'Only the pages of this server may change something.' };
  if (!String(headers['content-type'] ?? '').startsWith('application/json')) return { status: 415, text: 'JSON only.' };
  return undefined;
}

/** Sent with every answer. No page loads anything from elsewhere, and none runs what is written into it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** In a time that does not tell how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(wanted)));
}
