/** What opens and closes thoughts in the texts of models, by what their chat templates write. As python/rehearse_ml/thought_tags.py. */
export const THOUGHT_TAGS: readonly (readonly [open: string, close: string])[] = [
  ['<think>', '</think>'],
  ['<|channel>thought', '<channel|>'],
  ['<|channel|>analysis<|message|>', '<|end|>'],
  ['<|START_THINKING|>', '<|END_THINKING|>'],
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
  ['<thought>', '</thought>'],
  ['<reasoning>', '</reasoning>'],
  ['<seed:think>', '</seed:think>'],
  ['<mm:think>', '</mm:think>'],
  ['<think:opensource>', '</think:opensource>'],
  ['<|open|>think<|sep|>', '<|close|>think<|sep|>'],
  ['<|think|>', '<|end|>'],
  ['Here are my reasoning steps:', '[BEGIN FINAL RESPONSE]'],
  ['<thinking>', '</thinking>'],
];

/** Variables that turn thoughts off and on: Qwen3 and most; DeepSeek V3.1, Granite, Kimi; others; Seed. */
export const SWITCHES: readonly (readonly [name: string, off: unknown, on: unknown])[] = [
  ['enable_thinking', false, true],
  ['thinking', false, true],
  ['enable_reasoning', false, true],
  ['reasoning', false, true],
  ['think', false, true],
  ['thinking_budget', 0, -1],
];
