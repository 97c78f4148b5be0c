/** A value, or why the text is none that is taken. */
export type ParsedJson = { readonly row: unknown; readonly problem?: undefined } | { readonly problem: string };

/** Deeper than this, one of the two languages' readers gives up. */
const MOST_DEPTH = 200;

/**
 * Parses one JSON text as strictly as both sides of the project do: what is refused here would end a training later. Half a surrogate
 * pair (`"\ud83d"`) is JSON, yet no Unicode, and no tokenizer takes it. Python's twin is `parse_json` in
 * python/rehearse_ml/text_lines.py.
 */
export function parseJson(text: string): ParsedJson {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 120) : String(error);
    return { problem: `no JSON (${reason})` };
  }
  // Read from UTF-8, only an escape can have made half a pair.
  const suspicious = /\\u[dD][89a-fA-F]/.test(text) || (text.match(/[[{]/g)?.length ?? 0) > MOST_DEPTH;
  const problem = suspicious ? strangeness(row) : undefined;
  return problem === undefined ? { row } : { problem };
}

function strangeness(root: unknown): string | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
      return 'a text with half a surrogate pair, such as "\\ud83d", which is no Unicode character';
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MOST_DEPTH) return `lists and mappings more than ${MOST_DEPTH} deep`;
    const inside = Array.isArray(value) ? (value as unknown[]) : Object.entries(value).flat();
    for (const each of inside) open.push({ value: each, depth: depth + 1 });
  }
  return undefined;
}

/** Whether a text says nothing: white space and byte order marks, as either language counts them. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/** JavaScript's white space, and what Python's has more: four separators and the next-line character. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const BLANK = /^[\s\u001c-\u001f\u0085\ufeff]*$/;
