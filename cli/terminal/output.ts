import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

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
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const table = new Table({
    chars: none,
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(
    columns.map(({ name }) => name),
    ...rows.map((row) => row.map((cell) => oneLine(cell))),
  );
  return table.toString().replace(/[ \t]+$/gm, '');
}
