import type { TokenizerDescription } from './model-files';

/** ChatML as Qwen2.5 has it, with its own default system turn. */
export const QWEN25: TokenizerDescription = {
  template:
    "{%- if messages[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n{%- else %}\n    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}\n{%- endif %}\n{%- for message in messages %}\n    {%- if message.role != 'system' or not loop.first %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
  eos: '<|im_end|>',
  special: ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|object_ref_start|>'],
  added: ['<tool_call>', '</tool_call>', '<|fim_prefix|>'],
  generation: { eos_token_id: [2, 0], temperature: 0.7, top_p: 0.8, top_k: 20, repetition_penalty: 1.05 },
};

/** Llama 3.2's shape: a BOS that the tokenizer adds too, and a date in the default system turn. */
export const LLAMA32: TokenizerDescription = {
  template:
    "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- set date_string = strftime_now('%d %b %Y') %}\n{%- endif %}\n{{- '<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: ' + date_string + '<|eot_id|>' }}\n{%- for message in messages %}\n    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
  bos: '<|begin_of_text|>',
  eos: '<|eot_id|>',
  special: [
    '<|begin_of_text|>',
    '<|end_of_text|>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eot_id|>',
    '<|reserved_special_token_7|>',
  ],
  addsBos: true,
};

/** Zephyr's: headers that are no tokens. */
export const ZEPHYR: TokenizerDescription = {
  template:
    "{% for message in messages %}\n{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token }}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
  bos: '<s>',
  eos: '</s>',
  special: ['<unk>', '<s>', '</s>'],
};
