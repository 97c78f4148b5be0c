import prettyMs from 'pretty-ms';

/** 12345 as `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A large count in few characters: `950`, `12.3k`, `4.56M`. */
export function formatShortCount(count: number): string {
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

/** Milliseconds as `850ms`, `42s`, `3m 5s`, `2h 10m`: two units at most. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  return ms < 1000 ? `${ms}ms` : prettyMs(Math.round(ms / 1000) * 1000, { unitCount: 2, secondsDecimalDigits: 0 });
}

/** Items per second in the unit that reads best: `3.2/s`, `41/min`, `12/h`. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 1) return `${perSecond >= 100 ? formatShortCount(perSecond) : perSecond.toFixed(1)}/s`;
  if (perSecond * 60 >= 1) return `${(perSecond * 60).toFixed(perSecond * 60 >= 10 ? 0 : 1)}/min`;
  return `${(perSecond * 3600).toFixed(perSecond * 3600 >= 10 ? 0 : 1)}/h`;
}

/** Dollars with cents, and with more digits below ten cents. */
export function formatUsd(usd: number): string {
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
