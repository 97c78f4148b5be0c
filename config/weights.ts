/** Weights that come with the project's own set-up. */
export const BUILTIN_WEIGHTS = ['builtin:smollm2-135m-instruct'] as const;

/** Whether weights are a directory rather than a hub id: they begin with `/`, `./` or `../`. */
export function looksLikePath(weights: string): boolean {
  return /^(\/|\.\.?(\/|$))/.test(weights);
}
