interface SpecModels {
  readonly target: { readonly model: string };
  readonly synthesis: { readonly respond: { readonly generators: readonly string[] }; readonly judge: { readonly judges: readonly string[] } };
}

/** Names of the models that a stage calls, each once. */
export function modelsInUse({ target, synthesis }: SpecModels): string[] {
  return [...new Set([target.model, ...synthesis.respond.generators, ...synthesis.judge.judges])];
}
