/** Takes secrets out of texts. */
export type Redact = (text: string) => string;

/** So many characters of a key in a row are a piece that no text may show. */
const PIECE = 8;
const MASK = '[redacted]';

/** What keys and tokens of the usual services look like, for those that nobody told us of. */
const LOOKS_SECRET =
  /(?<![A-Za-z0-9])((sk|pk|rk|key|hf|gsk|xai|pplx|nvapi|r8|fw|csk|tgp|ghp|gho|ghs|glpat)[-_](?=[A-Za-z0-9_-]*[0-9*])[A-Za-z0-9*_-]{6,}|AIza[A-Za-z0-9_-]{16,}|eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]+)*|(A3T|AKIA|ASIA)[A-Z0-9]{12,})/g;

/**
 * Redacts these secrets wherever they stand: whole, in pieces of 8 characters or more (endpoints shorten and echo what they got), in
 * another case, and as JSON, a URL, base64 or hexadecimal digits write them.
 */
export function createRedact(secrets: readonly (string | undefined)[]): Redact {
  const forms = new Set(
    secrets
      .filter((secret) => secret !== undefined && secret !== '')
      .flatMap((secret) => formsOf(secret!))
      .map((secret) => secret.toLowerCase()),
  );
  const short = [...forms].filter((form) => form.length < PIECE);
  const pieces = new Set([...forms].flatMap((form) => piecesOf(form)));
  return (text) => shortGone(piecesGone(text.replace(LOOKS_SECRET, MASK), pieces), short);
}

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), json, json.replaceAll('/', '\\/'), ...encoded(secret)];
}

/** As base64 writes it, also behind other text such as `Bearer `, and as hexadecimal digits; of a secret that is long enough to be told. */
function encoded(secret: string): string[] {
  if (secret.length < PIECE) return [];
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.from(`${'x'.repeat(before)}${secret}`)
      .toString('base64')
      .replace(/=+$/, '');
    // Characters at both ends hold bits of what is beside the secret.
    return text.slice(before === 0 ? 0 : before + 1, (before + secret.length) % 3 === 0 ? undefined : -1);
  });
  return [...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')), Buffer.from(secret).toString('hex')];
}

function piecesOf(form: string): string[] {
  return Array.from({ length: Math.max(0, form.length - PIECE + 1) }, (_, start) => form.slice(start, start + PIECE));
}

/** The secret part of a header's value; undefined where it is none: a URL or a word that a provider asks for by name. */
export function secretOfHeader(value: string): string | undefined {
  return /^https?:\/\//.test(value) ? undefined : value.replace(/^(bearer|basic|token)\s+/i, '');
}

/** Every run of characters that lie in some piece becomes one mask. */
function piecesGone(text: string, pieces: ReadonlySet<string>): string {
  if (pieces.size === 0) return text;
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return pieces.size > 0 && [...pieces].some((piece) => lower.includes(piece)) ? MASK : text;
  let redacted = '';
  let shown = 0; // up to here the text is copied or masked
  for (let start = 0; start + PIECE <= text.length; start++) {
    if (!pieces.has(lower.slice(start, start + PIECE))) continue;
    if (start > shown || shown === 0) redacted += `${text.slice(shown, start)}${MASK}`;
    shown = start + PIECE;
  }
  return redacted + text.slice(shown);
}

function shortGone(text: string, short: readonly string[]): string {
  return short.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
}
