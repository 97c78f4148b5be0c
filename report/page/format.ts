import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';

/** What stands where there is no value. */
export const NOTHING = '–';

const MINUS = '−';

type Maybe = number | null | undefined;

/** 12345 as `12,345`. */
export function count(value: Maybe): string {
  return isMissing(value) ? NOTHING : value.toLocaleString('en-US');
}

/** A count that is read at a glance: `950`, `12.3k`, `4.56M`. */
export function shortCount(value: number): string {
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size * 0.9995) return `${(value / size).toPrecision(3)}${unit}`;
  }
  return String(Math.round(value));
}

/** A number with a fixed number of decimals and a real minus sign; never `−0.0`. */
export function decimal(value: Maybe, digits = 2): string {
  if (isMissing(value)) return NOTHING;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text;
}

/** A difference with its sign: `+0.4`, `−1.2`, `0.0`. */
export function signed(value: Maybe, digits = 1): string {
  if (isMissing(value)) return NOTHING;
  const text = decimal(value, digits);
  return Number(value.toFixed(digits)) > 0 ? `+${text}` : text;
}

/** A value with its standard error: `0.250 ± 0.150`. */
export function estimate(value: Maybe, stderr: Maybe, digits = 3): string {
  return isMissing(stderr) ? decimal(value, digits) : `${decimal(value, digits)} ± ${stderr.toFixed(digits)}`;
}

/** 0.1667 as `16.7 %`, not to be broken over lines. */
export function percent(share: Maybe, digits = 1): string {
  return isMissing(share) ? NOTHING : `${decimal(share * 100, digits)}\u00a0%`;
}

/** Milliseconds as `850ms`, `42s`, `3m 5s`: two units at most. */
export function duration(ms: Maybe): string {
  if (isMissing(ms)) return NOTHING;
  return ms < 1000 ? `${Math.round(ms)}ms` : prettyMs(Math.round(ms / 1000) * 1000, { unitCount: 2, secondsDecimalDigits: 0 });
}

export function bytes(value: number): string {
  return prettyBytes(value);
}

/** Dollars with cents, and with more digits below ten cents. */
export function dollars(usd: Maybe): string {
  if (isMissing(usd)) return NOTHING;
  return `$${usd > 0 && usd < 0.1 ? usd.toPrecision(2) : usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A small factor such as a learning rate: `1e-6`, `0.03`. */
export function scientific(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential().replace('e-0', 'e-') : String(value);
}

/** An ISO time as `2026-11-03 09:12:05 UTC`. */
export function time(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Words as a list: `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `1 instruction`, `2 instructions`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

function isMissing(value: Maybe): value is null | undefined {
  return value === null || value === undefined;
}
