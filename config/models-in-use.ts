import type { RunSpec } from './spec';

/** Names of the models that a stage calls, each once. */
export function modelsInUse({ target, synthesis }: Pick<RunSpec, 'target' | 'synthesis'>): string[] {
  return [...new Set([target.model, ...synthesis.respond.generators, ...synthesis.judge.judges])];
}
