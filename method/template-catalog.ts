/**
 * The chat formats of the usual model families, as data.
 *
 * Sources: each family's published chat template. What they render was compared, text for text, with the template files
 * that TRL ships (llama-3, llama-3.1, qwen2.5, qwen3, phi-3, gemma), with SmolLM2's own tokenizer, and with the outputs in
 * llama.cpp's tests/test-chat-template.cpp (chatml, llama-2, mistral-v1, -v3, -nemo and -v7, phi-4, deepseek-v2,
 * granite-3, command-r). llama-4, zephyr, tulu, deepseek-v3 and mistral-v7-tekken follow their model cards. Bare pre-query templates
 * are those of Magpie's configs/model_configs.json where it has the family; `llama-3-paper` is the paper's section 3.1.
 */

/** What stands before and after one message's text. */
export interface Turn {
  readonly open: string;
  readonly close: string;
}

/** How a family writes a conversation. */
export interface Layout {
  /** Text of the BOS token that the tokenizer itself puts before a prompt, or null when it adds none. */
  readonly bos: string | null;
  /** A turn of its own, or what stands around the system message when it is put before the first user's text. */
  readonly system: Turn | { readonly joinToFirstUser: Turn };
  readonly user: Turn;
  /** `open` ends the prompt that asks for a reply. */
  readonly assistant: Turn;
  /** Stands between `assistant.open` and a reply's text, but is the model's to write: templates with a bare space. */
  readonly gap?: string;
  /** What the family's template inserts when a conversation has no system message. */
  readonly defaultSystem?: string;
  /** The family's template trims every message. */
  readonly trims?: boolean;
  /** End of turn, then openings of further turns; at most four, the OpenAI API's limit. */
  readonly stop: readonly string[];
  /** Where another turn begins in a reply that ran on: an instruction is cut there. */
  readonly headers: readonly string[];
  /** Other special tokens that leak into text. */
  readonly special?: readonly string[];
}

/** A catalogue entry: a layout, and how its bare pre-query template differs from "BOS, then the user's opening". */
export interface CatalogEntry {
  readonly layout: Layout;
  /** The exact text, where it is not the layout's own. */
  readonly preQuery?: string;
  /** Put the default system turn before the user's opening, as in the family's own training prompts. */
  readonly systemInPreQuery?: boolean;
}

function pipeHeaders(...roles: string[]): string[] {
  return roles.map((role) => `<|${role}|>`);
}

function llama3(systemPrefix = ''): Layout {
  return {
    bos: '<|begin_of_text|>',
    system: { open: `<|start_header_id|>system<|end_header_id|>\n\n${systemPrefix}`, close: '<|eot_id|>' },
    user: { open: '<|start_header_id|>user<|end_header_id|>\n\n', close: '<|eot_id|>' },
    assistant: { open: '<|start_header_id|>assistant<|end_header_id|>\n\n', close: '<|eot_id|>' },
    trims: true,
    stop: ['<|eot_id|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>'],
    headers: ['<|start_header_id|>'],
    special: ['<|begin_of_text|>', '<|end_header_id|>', '<|eom_id|>', '<|python_tag|>'],
  };
}

const llama4: Layout = {
  bos: '<|begin_of_text|>',
  system: { open: '<|header_start|>system<|header_end|>\n\n', close: '<|eot|>' },
  user: { open: '<|header_start|>user<|header_end|>\n\n', close: '<|eot|>' },
  assistant: { open: '<|header_start|>assistant<|header_end|>\n\n', close: '<|eot|>' },
  trims: true,
  stop: ['<|eot|>', '<|end_of_text|>', '<|header_start|>', '<|header_end|>'],
  headers: ['<|header_start|>'],
  special: ['<|begin_of_text|>', '<|header_end|>', '<|eom|>'],
};

const llama2: Layout = {
  bos: '<s>',
  system: { joinToFirstUser: { open: '<<SYS>>\n', close: '\n<</SYS>>\n\n' } },
  user: { open: '[INST] ', close: ' [/INST]' },
  // Every exchange is a sequence of its own, with its own BOS.
  assistant: { open: '', close: ' </s><s>' },
  gap: ' ',
  trims: true,
  stop: ['</s>', '[INST]', '[/INST]'],
  headers: ['[INST]', '[/INST]'],
  special: ['<s>', '<<SYS>>', '<</SYS>>'],
};

/** ChatML's tokenizers add no BOS, also where `bos_token` is set: SmolLM2's is `<|im_start|>` itself, not added. */
function chatml(defaultSystem?: string): Layout {
  return {
    bos: null,
    system: { open: '<|im_start|>system\n', close: '<|im_end|>\n' },
    user: { open: '<|im_start|>user\n', close: '<|im_end|>\n' },
    assistant: { open: '<|im_start|>assistant\n', close: '<|im_end|>\n' },
    defaultSystem,
    stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
    headers: ['<|im_start|>'],
    special: ['<|endoftext|>'],
  };
}

function mistral(user: Turn, gap: string, system: Layout['system'], trims = false): Layout {
  return {
    bos: '<s>',
    system,
    user,
    assistant: { open: '', close: '</s>' },
    gap,
    trims,
    stop: ['</s>', '[INST]', '[/INST]'],
    headers: ['[INST]', '[/INST]', '[SYSTEM_PROMPT]'],
    special: ['<s>', '[/SYSTEM_PROMPT]'],
  };
}

const joined = { joinToFirstUser: { open: '', close: '\n\n' } };

const gemma: Layout = {
  bos: '<bos>',
  system: joined,
  user: { open: '<start_of_turn>user\n', close: '<end_of_turn>\n' },
  assistant: { open: '<start_of_turn>model\n', close: '<end_of_turn>\n' },
  trims: true,
  stop: ['<end_of_turn>', '<eos>', '<start_of_turn>'],
  headers: ['<start_of_turn>'],
  special: ['<bos>', '<pad>'],
};

function piped(bos: string | null, close: string, special: readonly string[]): Layout {
  return {
    bos,
    system: { open: '<|system|>\n', close: `${close}\n` },
    user: { open: '<|user|>\n', close: `${close}\n` },
    assistant: { open: '<|assistant|>\n', close: `${close}\n` },
    stop: [...(close === '' ? special.slice(0, 1) : [close]), '<|user|>', '<|assistant|>'],
    headers: pipeHeaders('system', 'user', 'assistant'),
    special,
  };
}

/** Tulu closes only assistant turns with the end token; the others end in a newline alone. */
function tulu(bos: string, eos: string): Layout {
  return { ...piped(bos, '', [eos, bos]), assistant: { open: '<|assistant|>\n', close: `${eos}\n` } };
}

const phi4: Layout = {
  bos: null,
  system: { open: '<|im_start|>system<|im_sep|>', close: '<|im_end|>' },
  user: { open: '<|im_start|>user<|im_sep|>', close: '<|im_end|>' },
  assistant: { open: '<|im_start|>assistant<|im_sep|>', close: '<|im_end|>' },
  stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
  headers: ['<|im_start|>'],
  special: ['<|im_sep|>'],
};

const deepseekBos = '<｜begin▁of▁sentence｜>';
const deepseekEos = '<｜end▁of▁sentence｜>';

const deepseek2: Layout = {
  bos: deepseekBos,
  system: { open: '', close: '\n\n' },
  user: { open: 'User: ', close: '\n\n' },
  assistant: { open: 'Assistant:', close: deepseekEos },
  gap: ' ',
  stop: [deepseekEos, '\n\nAssistant:', '\n\nUser:'],
  headers: ['\n\nAssistant:', '\n\nUser:'],
  special: [deepseekBos],
};

const deepseek3: Layout = {
  bos: deepseekBos,
  system: { open: '', close: '' },
  user: { open: '<｜User｜>', close: '' },
  assistant: { open: '<｜Assistant｜>', close: deepseekEos },
  stop: [deepseekEos, '<｜User｜>', '<｜Assistant｜>'],
  headers: ['<｜User｜>', '<｜Assistant｜>'],
  special: [deepseekBos],
};

function granite(role: string): Turn {
  return { open: `<|start_of_role|>${role}<|end_of_role|>`, close: '<|end_of_text|>\n' };
}

const granite3: Layout = {
  bos: null,
  system: granite('system'),
  user: granite('user'),
  assistant: granite('assistant'),
  stop: ['<|end_of_text|>', '<|start_of_role|>'],
  headers: ['<|start_of_role|>'],
  special: ['<|end_of_role|>'],
};

function commandTurn(role: string): Turn {
  return { open: `<|START_OF_TURN_TOKEN|><|${role}_TOKEN|>`, close: '<|END_OF_TURN_TOKEN|>' };
}

const commandR: Layout = {
  bos: '<BOS_TOKEN>',
  system: commandTurn('SYSTEM'),
  user: commandTurn('USER'),
  assistant: commandTurn('CHATBOT'),
  trims: true,
  stop: ['<|END_OF_TURN_TOKEN|>', '<|START_OF_TURN_TOKEN|>'],
  headers: ['<|START_OF_TURN_TOKEN|>'],
  special: ['<BOS_TOKEN>', '<|USER_TOKEN|>', '<|CHATBOT_TOKEN|>', '<|SYSTEM_TOKEN|>'],
};

const mistralSystem = { open: '[SYSTEM_PROMPT]', close: '[/SYSTEM_PROMPT]' };
const qwen2System = 'You are a helpful assistant.';
const qwen25System = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.';
const smollm2System = 'You are a helpful AI assistant named SmolLM, trained by Hugging Face';

/** Every named format. A `-system` name differs in the pre-query template alone: it begins with the default system turn. */
export const CATALOG: Readonly<Record<string, CatalogEntry>> = {
  // The paper writes the header without the BOS and without the two newlines that the model was trained with.
  'llama-3-paper': { layout: llama3(), preQuery: '<|start_header_id|>user<|end_header_id|>' },
  'llama-3': { layout: llama3() },
  'llama-3.1': { layout: { ...llama3('Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n'), defaultSystem: '' } },
  'llama-4': { layout: llama4 },
  'llama-2': { layout: llama2 },
  chatml: { layout: chatml() },
  qwen2: { layout: chatml(qwen2System) },
  'qwen2-system': { layout: chatml(qwen2System), systemInPreQuery: true },
  'qwen2.5': { layout: chatml(qwen25System) },
  'qwen2.5-system': { layout: chatml(qwen25System), systemInPreQuery: true },
  qwen3: { layout: chatml() },
  smollm2: { layout: chatml(smollm2System) },
  'smollm2-system': { layout: chatml(smollm2System), systemInPreQuery: true },
  // 7B-Instruct v0.1 and v0.2; v0.3, Large 2407 and others of the v3 tokenizer; Nemo; Small 2501 and later.
  'mistral-v1': { layout: mistral({ open: '[INST] ', close: ' [/INST]' }, ' ', joined) },
  'mistral-v3': { layout: mistral({ open: '[INST] ', close: '[/INST]' }, ' ', joined, true) },
  'mistral-nemo': { layout: mistral({ open: '[INST]', close: '[/INST]' }, '', joined) },
  'mistral-v7': { layout: mistral({ open: '[INST] ', close: '[/INST]' }, ' ', { open: '[SYSTEM_PROMPT] ', close: mistralSystem.close }) },
  'mistral-v7-tekken': { layout: mistral({ open: '[INST]', close: '[/INST]' }, '', mistralSystem) },
  gemma: { layout: gemma },
  'phi-3': { layout: piped(null, '<|end|>', ['<|endoftext|>', '<s>', '</s>']) },
  'phi-4': { layout: phi4 },
  zephyr: { layout: piped('<s>', '</s>', ['<s>']) },
  'tulu-2': { layout: tulu('<s>', '</s>') },
  'tulu-3': { layout: tulu('<|begin_of_text|>', '<|end_of_text|>') },
  'deepseek-v2': { layout: deepseek2 },
  'deepseek-v3': { layout: deepseek3 },
  'granite-3': { layout: granite3 },
  'command-r': { layout: commandR },
};

/** Shorter names for the member of a family that is meant most often. */
export const ALIASES: Readonly<Record<string, string>> = {
  qwen: 'qwen2.5',
  mistral: 'mistral-v3',
  'gemma-2': 'gemma',
  'gemma-3': 'gemma',
  tulu: 'tulu-3',
  deepseek: 'deepseek-v3',
  granite: 'granite-3',
};
