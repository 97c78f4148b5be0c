import { holdsSecret, looksLikeSecret, secretArguments } from './secrets';
import { showValue, type Finding } from './spec-errors';

/**
 * Secrets anywhere in a spec, which is stored, shown in the Web UI and printed.
 * @param value the spec, or a part of it
 * @param at where that part stands
 */
export function secretProblems(value: unknown, at: readonly PropertyKey[]): Finding[] {
  if (typeof value === 'string') return holdsSecret(value, nameOf(at)) ? [problem(at, showValue(value, nameOf(at)))] : [];
  if (Array.isArray(value)) {
    const found = value.flatMap((item, index) => secretProblems(item, [...at, index]));
    return isCommandLine(value, at) ? [...found, ...argumentProblems(value, at, found)] : found;
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(looksLikeSecret(key) ? [problem([...at, key], 'a hidden name')] : []),
    ...secretProblems(item, [...at, key]),
  ]);
}

function problem(at: readonly PropertyKey[], value: string): Finding {
  return {
    at,
    value,
    expected: 'no secret in a spec',
    hint: "put it into an environment variable and the variable's name under apiKeyEnv, and revoke it if others have seen this file",
  };
}

function nameOf(at: readonly PropertyKey[]): string {
  return at.filter((part) => typeof part === 'string').at(-1) ?? '';
}

function isCommandLine(value: readonly unknown[], at: readonly PropertyKey[]): value is readonly string[] {
  return at.at(-1) === 'args' && at.at(-2) === 'serve' && value.every((item) => typeof item === 'string');
}

/** A key on a server's command line, which every process of its machine can read too. */
function argumentProblems(args: readonly string[], at: readonly PropertyKey[], found: readonly Finding[]): Finding[] {
  return secretArguments(args)
    .filter((index) => !found.some((finding) => finding.at.at(-1) === index))
    .map((index) => ({
      at: [...at, index],
      value: `a hidden value of ${args[index]?.length ?? 0} characters`,
      expected: 'no secret in a spec',
      hint: "remove it: the server of a run answers its own machine; where it must ask for a key, set the server's variable (VLLM_API_KEY, LLAMA_API_KEY, HF_TOKEN) on the gpu worker, and name one with the same value under apiKeyEnv",
    }));
}
