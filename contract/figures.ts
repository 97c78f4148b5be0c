import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';

/** A number that may be missing. */
type Figure = number | null | undefined;

/** What stands where there is no value. */
export const NO_VALUE = '–';

const MINUS = '−';

/** 12345 as `12,345`. */
export function formatCount(count: Figure): string {
  return isMissing(count) ? NO_VALUE : count.toLocaleString('en-US');
}

/** `1 instruction`, `2 instructions`. */
export function formatCounted(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** A large count in few characters: `950`, `12.3k`, `4.56M`. */
export function formatShortCount(count: Figure): string {
  if (isMissing(count)) return NO_VALUE;
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    // What would round to 1000 of a unit is 1 of the next.
    if (count >= size * 0.9995) return `${(count / size).toPrecision(3)}${unit}`;
  }
  return String(Math.round(count));
}

/** A number with a fixed number of decimals and a real minus sign; never `−0.0`. */
export function formatDecimal(value: Figure, digits = 2): string {
  if (isMissing(value)) return NO_VALUE;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text;
}

/** A difference with its sign: `+0.4`, `−1.2`, `0.0`. */
export function formatSigned(value: Figure, digits = 1): string {
  if (isMissing(value)) return NO_VALUE;
  const text = formatDecimal(value, digits);
  return Number(value.toFixed(digits)) > 0 ? `+${text}` : text;
}

/** A value with its standard error, where it has one: `0.250 ± 0.150`. @param format of the value: with or without a plus sign */
export function formatEstimate(value: Figure, stderr: Figure, format: typeof formatDecimal = formatDecimal, digits = 3): string {
  return isMissing(stderr) ? format(value, digits) : `${format(value, digits)} ± ${stderr.toFixed(digits)}`;
}

/** A p value to three decimals, or `< 0.001`. */
export function formatPValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** A share from 0 to 1 as `16.7 %`, which does not break over lines. */
export function formatPercent(share: Figure, digits = 1): string {
  return isMissing(share) ? NO_VALUE : `${formatDecimal(share * 100, digits)}\u00a0%`;
}

/** A small factor such as a learning rate: `1e-6`, `0.03`. */
export function formatScientific(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential().replace('e-0', 'e-') : String(value);
}

/** A number of bytes as `1.5 kB`, `20 GB`. */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes);
}

/** Milliseconds as `850ms`, `42s`, `3m 5s`, `2h 10m`: two units at most. */
export function formatDuration(milliseconds: Figure): string {
  if (isMissing(milliseconds)) return NO_VALUE;
  const ms = Math.max(0, Math.round(milliseconds));
  return ms < 1000 ? `${ms}ms` : prettyMs(Math.round(ms / 1000) * 1000, { unitCount: 2, secondsDecimalDigits: 0 });
}

/** An ISO time in UTC as `2026-11-03 09:12:05`; the caller names the zone. */
export function formatTime(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** Items per second in the unit that reads best: `3.2/s`, `41/min`, `12/h`. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 1) return `${perSecond >= 100 ? formatShortCount(perSecond) : perSecond.toFixed(1)}/s`;
  if (perSecond * 60 >= 1) return `${(perSecond * 60).toFixed(perSecond * 60 >= 10 ? 0 : 1)}/min`;
  return `${(perSecond * 3600).toFixed(perSecond * 3600 >= 10 ? 0 : 1)}/h`;
}

/** Dollars with cents, and with more digits below ten cents. */
export function formatUsd(usd: Figure): string {
  if (isMissing(usd)) return NO_VALUE;
  return `$${usd > 0 && usd < 0.1 ? usd.toPrecision(2) : usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** Counts of errors by kind, the commonest first: `14 rate limited, 2 timeout`. Empty where there are none. */
export function formatErrors(errors: Readonly<Record<string, number>>): string {
  return Object.entries(errors)
    .filter(([, count]) => count > 0)
    .sort(([a, most], [b, less]) => less - most || (a < b ? -1 : 1))
    .map(([kind, count]) => `${formatShortCount(count)} ${kind.replaceAll('_', ' ')}`)
    .join(', ');
}

/** Words as a list: `a`, `a and b`, `a, b and c`. */
export function formatList(words: readonly string[]): string {
  return words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function isMissing(value: Figure): value is null | undefined {
  return value === null || value === undefined;
}
