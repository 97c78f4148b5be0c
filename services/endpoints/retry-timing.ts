/**
 * When to try again, after RFC 9110 (Retry-After in seconds or as a date) and the de-facto `retry-after-ms` and
 * `x-ratelimit-reset-*` headers of model endpoints.
 */
export const LONGEST_WAIT_MS = 10 * 60_000;

/** Milliseconds that the reply's headers ask to wait, at most ten minutes; undefined when they hold nothing usable. */
export function retryAfterMs(headers: Headers | undefined, nowMs: number): number | undefined {
  if (headers === undefined) return undefined;
  const milliseconds = readNumber(headers.get('retry-after-ms'));
  if (milliseconds !== undefined) return usable(milliseconds);
  const retryAfter = headers.get('retry-after')?.trim();
  if (retryAfter !== undefined && retryAfter !== '') {
    const seconds = readNumber(retryAfter);
    if (seconds !== undefined) return usable(seconds * 1000);
    const date = readHttpDate(retryAfter);
    if (date !== undefined) return usable(date - nowMs);
  }
  const resets = ['x-ratelimit-reset-requests', 'x-ratelimit-reset-tokens']
    .filter((name) => headers.get(name.replace('reset', 'remaining'))?.trim() === '0')
    .map((name) => readDuration(headers.get(name)))
    .filter((value) => value !== undefined);
  return resets.length === 0 ? undefined : usable(Math.max(...resets));
}

/** Full-jitter exponential backoff: uniform in [base/2, base], base doubling from 500 ms to 30 s. */
export function backoffMs(failures: number, random: () => number): number {
  const base = Math.min(30_000, 500 * 2 ** Math.min(failures, 10));
  return base / 2 + random() * (base / 2);
}

/** A wait of 0 or less is ignored: it would make the retries a tight loop. */
function usable(ms: number): number | undefined {
  return ms <= 0 ? undefined : Math.min(Math.ceil(ms), LONGEST_WAIT_MS);
}

/** The three date forms of RFC 9110, section 5.6.7, all in GMT; `Date.parse` alone accepts far more, such as `-5`. */
function readHttpDate(text: string): number | undefined {
  if (!/^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /.test(text)) return undefined;
  const date = Date.parse(/ GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : date;
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** OpenAI's durations: `1s`, `6m0s`, `120ms`, `1h2m3.5s`. */
function readDuration(text: string | null): number | undefined {
  if (text === null) return undefined;
  const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return undefined;
  return parts.reduce((sum, part) => sum + Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0), 0);
}
