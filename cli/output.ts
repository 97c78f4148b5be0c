import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import prettyMs from 'pretty-ms';

/** C0 controls but tab and line feed, DEL, C1 controls. */
// oxlint-disable-next-line no-control-regex -- these are what is to be taken out
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Marks that reorder what is shown, so that a text could pose as another. */
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LINE_BREAKS = /\r\n?|[\u2028\u2029]/g;

/**
 * A text that came from outside, without what could move the cursor, recolour, retitle or reorder a terminal: escape
 * sequences, control characters and bidirectional marks are taken out. Tabs and line feeds stay.
 */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(LINE_BREAKS, '\n').replace(CONTROLS, '').replace(REORDERING, '');
}

/** The text's first `maxLength` characters, the last of them an ellipsis where some are left out. */
export function clip(text: string, maxLength: number): string {
  const characters = Array.from(text);
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`;
}

/** {@link plainText} on one line of at most `maxLength` characters. */
export function oneLine(text: string, maxLength = 160): string {
  return clip(plainText(text).replace(/\s+/g, ' ').trim(), maxLength);
}

/** 12345 as `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A large count in few characters: `950`, `12.3k`, `4.56M`. */
export function formatShortCount(count: number): string {
  for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) {
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

/** `width` characters, filled up to `fraction` (0 to 1). Full only when all is done. */
export function formatBar(fraction: number, width: number): string {
  const part = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const filled = part === 1 ? width : Math.min(width - 1, Math.floor(part * width));
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** Prints a value as JSON, for `--json`. */
export function printJson(value: unknown, stream: NodeJS.WritableStream = process.stdout): void {
  stream.write(`${JSON.stringify(value, null, 2)}\n`);
}

export interface TableColumn {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

/** A table without frames; cells are made plain, on one line. */
export function formatTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' };
  const table = new Table({
    chars: none,
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(columns.map(({ name }) => name), ...rows.map((row) => row.map((cell) => oneLine(cell))));
  return table.toString().replace(/[ \t]+$/gm, '');
}
