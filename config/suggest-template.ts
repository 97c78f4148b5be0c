/** Patterns of model ids, the special before the general. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/llama-?4/, 'llama-4'],
  [/llama-?3[.-][1-9](?![0-9]*b)/, 'llama-3.1'],
  [/llama-?3/, 'llama-3'],
  [/llama-?2/, 'llama-2'],
  [/qwen-?3/, 'qwen3'],
  [/qwen-?2\.5/, 'qwen2.5'],
  [/qwen-?2/, 'qwen2'],
  [/smollm2/, 'smollm2'],
  [/mistral-nemo/, 'mistral-nemo'],
  [/mistral/, 'mistral'],
  [/gemma/, 'gemma'],
  [/phi-?4/, 'phi-4'],
  [/phi-?3/, 'phi-3'],
  [/zephyr/, 'zephyr'],
  [/tulu-?2/, 'tulu-2'],
  [/tulu/, 'tulu-3'],
  [/deepseek-v2/, 'deepseek-v2'],
  [/deepseek/, 'deepseek-v3'],
  [/granite/, 'granite-3'],
  [/command-r/, 'command-r'],
];

/** The chat format that a model's name suggests, or chatml, the most common. */
export function suggestTemplate(model: { readonly model: string }): string {
  const id = model.model.toLowerCase();
  return FAMILIES.find(([pattern]) => pattern.test(id))?.[1] ?? 'chatml';
}
