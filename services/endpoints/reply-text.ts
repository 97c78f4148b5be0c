/** What a choice of a reply says, and the thoughts that the endpoint keeps apart from it. */
export interface ReplyText {
  readonly text: string;
  readonly reasoning?: string;
}

interface RawMessage {
  content?: unknown;
  refusal?: unknown;
  reasoning_content?: unknown;
  reasoning?: unknown;
  reasoning_details?: unknown;
  thinking_blocks?: unknown;
  thinking?: unknown;
}

/** A choice of `/completions` or `/chat/completions`, as far as its text goes. */
export type RawText = Omit<RawMessage, 'content'> & { text?: unknown; message?: RawMessage | null };

/** Types of content parts and blocks that hold thoughts: Mistral's and Anthropic's, and those of OpenRouter's `reasoning_details`. */
const THOUGHT_TYPES: readonly unknown[] = [
  'thinking',
  'reasoning',
  'reasoning.text',
  'reasoning.summary',
  'summary_text',
  'reasoning_text',
];

/**
 * Reads a choice's text. Content is a string, null, or a list of parts; thoughts are parts of their own, or stand beside the content:
 * `reasoning_content` (DeepSeek, SGLang, llama.cpp, LiteLLM), `reasoning` (vLLM, OpenRouter, Groq, Together, Ollama),
 * `reasoning_details` (OpenRouter), `thinking_blocks` (LiteLLM). Several of them are one thought told twice: the first is taken.
 */
export function readText(choice: RawText): ReplyText {
  const said: string[] = [];
  const thought: string[] = [];
  addParts(choice.text ?? choice.message?.content, said, thought);
  // OpenAI's models put a refusal beside an empty content: it is what they answer.
  if (said.every((text) => text.trim() === '')) addParts(choice.message?.refusal, said, thought);
  const { reasoning_content: content, reasoning, reasoning_details: details, thinking_blocks: blocks, thinking } = choice.message ?? choice;
  for (const beside of [content, reasoning, details, blocks, thinking]) {
    if (thought.some((text) => text.trim() !== '')) break;
    addParts(beside, thought, thought);
  }
  const thoughts = thought.join('').trim();
  return { text: said.join(''), ...(thoughts === '' ? {} : { reasoning: thoughts }) };
}

/** No provider nests parts deeper; a list in a list in a list without end is no text. */
const DEEPEST = 20;

function addParts(value: unknown, said: string[], thought: string[], depth = 0): void {
  if (depth > DEEPEST) return;
  if (typeof value === 'string') said.push(value);
  else if (Array.isArray(value)) for (const part of value as unknown[]) addParts(part, said, thought, depth + 1);
  else if (typeof value === 'object' && value !== null) {
    const { type, text, thinking, reasoning, summary, content, refusal } = value as Record<string, unknown>;
    const isThought = THOUGHT_TYPES.includes(type) || thinking !== undefined;
    const into = isThought ? thought : said;
    for (const inner of [thinking, reasoning, summary, text, content, refusal]) addParts(inner, into, thought, depth + 1);
  }
}

/** Tokens that a reply says it has thought, of all choices together; 0 where it tells of none. */
export function thoughtTokensOf(usage: unknown): number {
  const { completion_tokens_details: details, reasoning_tokens: own } = (usage ?? {}) as Record<string, unknown>;
  const tokens = (details as { reasoning_tokens?: unknown } | null | undefined)?.reasoning_tokens ?? own;
  return typeof tokens === 'number' && tokens > 0 ? tokens : 0;
}
