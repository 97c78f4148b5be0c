import { looksLikeSecret, showValue, type Finding } from './spec-errors';

/**
 * Secrets anywhere in a spec, which is stored, shown in the Web UI and printed.
 * @param value the spec, or a part of it
 * @param at where that part stands
 */
export function secretProblems(value: unknown, at: readonly PropertyKey[]): Finding[] {
  if (typeof value === 'string') {
    if (!looksLikeSecret(value)) return [];
    return [
      {
        at,
        value: showValue(value),
        expected: 'no secret in a spec',
        hint: "put it into an environment variable and the variable's name under apiKeyEnv, and revoke it if others have seen this file",
      },
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => secretProblems(item, [...at, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => secretProblems(item, [...at, key]));
}
