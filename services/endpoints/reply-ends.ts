import type { BrokenEnd, FinishReason } from '../../method/records';

/** The parts of a choice that say how it ended. */
export interface RawEnd {
  readonly finish_reason?: unknown;
  /** What the server behind a gateway said (OpenRouter). */
  readonly native_finish_reason?: unknown;
  /** The stop string or token that ended it (vLLM, Anthropic). */
  readonly stop_reason?: unknown;
  /** What went wrong in the middle of it (OpenRouter). */
  readonly error?: unknown;
}

/** Each is a whole text: the model ended its turn, or a stop string came. */
const WHOLE: readonly string[] = [
  'stop', // OpenAI and most; STOP of Gemini
  'stop_sequence', // Anthropic, TGI, Bedrock, Cohere
  'end_turn', // Anthropic, Bedrock, xAI
  'eos', // Together
  'eos_token', // TGI, watsonx
  'complete', // Cohere
  'completed',
  'stop_token',
  'stop_string',
  'end_of_turn',
];

/** Each is a text that was cut at a limit of tokens. */
const CUT: readonly string[] = [
  'length', // OpenAI and most
  'max_tokens', // Anthropic, Gemini, Bedrock, Cohere, watsonx
  'model_length', // Mistral: the model's context is full
  'model_context_window_exceeded', // Anthropic, GLM
  'max_length',
  'max_new_tokens',
  'max_output_tokens',
  'token_limit', // watsonx
];

/** Each is a text that the provider holds back, or that stands for one. */
const FILTERED: readonly string[] = [
  'content_filter', // OpenAI, Azure, DeepSeek
  'content_filtered', // Bedrock
  'guardrail_intervened', // Bedrock
  'refusal', // Anthropic
  'safety', // Gemini, with those below
  'recitation',
  'blocklist',
  'prohibited_content',
  'spii',
  'sensitive', // GLM
  'error_toxic', // Cohere
];

const TOOLS: readonly string[] = ['tool_calls', 'tool_call', 'tool_use'];

/** In the protocol null says that a text goes on; in a whole reply it is one that broke off, unless the endpoint never tells ends. */
export const NULL_END: BrokenEnd = 'ended: null';

/** Longest name of an end that is kept. */
const LONGEST_NAME = 40;

/**
 * How a choice ended. Only ends that are known to be good make a text whole; one that is neither good, cut nor held back is
 * `ended: NAME`, after which nobody knows what is missing. Null where the endpoint leaves the field out, or empty.
 */
export function readEnd({ finish_reason: told, native_finish_reason: native, stop_reason: stopReason, error }: RawEnd): FinishReason {
  if (error !== undefined && error !== null && error !== false && error !== '') return 'ended: error';
  const end = known(told);
  // Where there is no reason at all, a stop string that was met or the word of the server behind a gateway is one.
  if (end !== null) return end;
  const behind = known(native);
  if (behind !== null) return behind;
  if ((typeof stopReason === 'string' && stopReason !== '') || typeof stopReason === 'number') return 'stop';
  return told === null ? NULL_END : null;
}

function known(told: unknown): FinishReason {
  if (told === undefined || told === null || told === '') return null;
  const name = nameOf(told);
  if (WHOLE.includes(name)) return 'stop';
  if (CUT.includes(name)) return 'length';
  if (FILTERED.includes(name)) return 'content_filter';
  if (TOOLS.includes(name)) return 'tool_calls';
  if (name === 'function_call') return name;
  return `ended: ${name}`;
}

/** SGLang's older versions send `{type: "length", length: 64}`, gateways in Python now and then `FinishReason.STOP`. Names are compared in lower case, with `_` for what is no letter. */
function nameOf(told: unknown): string {
  const name = typeof told === 'object' && told !== null ? (told as { type?: unknown }).type : told;
  const text = typeof name === 'string' ? name : JSON.stringify(name ?? told);
  const plain = text
    .replace(/^(FINISH_REASON|STOP_REASON)_|^(FinishReason|StopReason)\./, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, LONGEST_NAME);
  return plain === '' ? 'unknown' : plain;
}
