/**
 * Names without the beginning that all of them share, for places where a plot has little room: `smollm2-precise` and
 * `smollm2-creative` become `precise` and `creative`. The shared part ends at a separator, and no name becomes empty.
 */
export function shortNames(names: readonly string[]): (name: string) => string {
  const [first = ''] = names;
  let shared = 0;
  for (let end = 1; new Set(names).size > 1 && end < first.length; end++) {
    const start = first.slice(0, end);
    if (!names.every((name) => name.length > end && name.startsWith(start))) break;
    if (/[-._]$/.test(start)) shared = end;
  }
  return (name) => (names.includes(name) ? name.slice(shared) : name);
}
