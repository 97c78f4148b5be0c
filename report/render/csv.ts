/** A cell that spreadsheets would take for a formula, full-width forms and a leading line break or tab included. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

/**
 * A table as CSV (RFC 4180: comma, CRLF, doubled quotes; UTF-8). Numbers stand as JavaScript writes them, null is an empty
 * cell. A text is never a formula: names and reasons come from files and models, so one that a spreadsheet would run gets an
 * apostrophe in front.
 */
export function csvText(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return [header, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const plain = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
