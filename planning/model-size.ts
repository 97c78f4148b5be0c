/**
 * Parameters of a model by its name: `Meta-Llama-3-70B-Instruct` has 70e9, `smollm2-135m-instruct` 135e6, `Mixtral-8x7B`
 * 56e9. Null when the name does not tell.
 */
export function parametersOf(name: string): number | null {
  const found = /(?:^|[^A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)(b|m)(?![A-Za-z0-9])/i.exec(name);
  if (found === null) return null;
  const [, experts = '1', size = '0', unit = 'b'] = found;
  return Number(experts) * Number(size) * (unit.toLowerCase() === 'b' ? 1e9 : 1e6);
}

/** GPUs that hold a model for serving in bfloat16, with room for its cache: a power of two, as tensor parallelism wants. */
export function servingGpus(parameters: number, gpuMemoryBytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, (parameters * 2 * 1.3) / gpuMemoryBytes)));
}

/**
 * GPUs that hold a model for full training. One GPU may be filled; of several only some 60 % hold weights and optimizer
 * state, the rest activations and what is gathered for a layer.
 */
export function trainingGpus(parameters: number, bytesPerParameter: number, gpuMemoryBytes: number): number {
  const bytes = parameters * bytesPerParameter;
  return bytes <= 0.85 * gpuMemoryBytes ? 1 : Math.ceil(bytes / (0.6 * gpuMemoryBytes));
}
