import { canonicalJson } from '../../method/canonical-json';

/** A field of the spec that two runs set differently, or that only one has. */
export interface SettingDifference {
  /** Such as `synthesis.judge.scoring`. */
  readonly path: string;
  readonly a: string | null;
  readonly b: string | null;
}

const LONGEST_VALUE = 80;

/** Every leaf of two specs that differs, in the order of their paths. */
export function specDifferences(a: unknown, b: unknown): SettingDifference[] {
  const left = new Map(leaves(a, ''));
  const right = new Map(leaves(b, ''));
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .map((path) => ({ path, a: left.get(path) ?? null, b: right.get(path) ?? null }))
    .filter((each) => each.a !== each.b);
}

function leaves(value: unknown, path: string): [string, string][] {
  const entries = Array.isArray(value)
    ? value.map((item, index) => [`[${index}]`, item] as const)
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, item]) => [path === '' ? key : `.${key}`, item] as const)
      : undefined;
  if (entries === undefined || entries.length === 0) {
    const shown = canonicalJson(value ?? null);
    return [[path, shown.length <= LONGEST_VALUE ? shown : `${shown.slice(0, LONGEST_VALUE - 1)}…`]];
  }
  return entries.flatMap(([key, item]) => leaves(item, `${path}${key}`));
}
