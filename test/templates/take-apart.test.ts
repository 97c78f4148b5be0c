import { neutralizer } from '../../method/neutral-text';
import type { ChatTemplate } from '../../method/templates';
import { chatFormatOf } from '../../templates/chat-format';
import type { ChatRendering } from '../../templates/render-chat';
import { takeApart, type TemplateParts } from '../../templates/take-apart';
import { thinkingPrompt, thinkingSwitch } from '../../templates/thinking-switch';
import { trlTemplates } from '../support/trl-templates';

let templates: Record<string, string>;

beforeAll(async () => {
  templates = await trlTemplates();
}, 900_000);

/** Special tokens of the family, its BOS and its end. */
function partsOf(name: string, special: readonly string[], bos: string, eos: string): TemplateParts {
  const tokens = [...special, bos, eos].filter((text) => text !== '').map((text, id) => ({ text, id, special: true }));
  return takeApart({ ...rendering(name, bos, eos), tokens, ends: [eos] });
}

function rendering(name: string, bos = '<bos>', eos = '<eos>'): ChatRendering {
  return { chatTemplate: templates[name]!, variables: { bos_token: bos, eos_token: eos }, date: '2026-11-28' };
}

describe('the pre-query template of a released model', () => {
  const IM = ['<|im_start|>', '<|im_end|>'];
  it.each<[string, readonly string[], string, string, string, readonly string[]]>([
    ['qwen3', IM, '', '<|im_end|>', '<|im_start|>user\n', ['<|im_end|>', '<|im_start|>']],
    [
      'qwen2_5',
      IM,
      '',
      '<|im_end|>',
      '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n<|im_start|>user\n',
      ['<|im_end|>', '<|im_start|>'],
    ],
    [
      'gemma3',
      ['<start_of_turn>', '<end_of_turn>'],
      '<bos>',
      '<eos>',
      '<bos><start_of_turn>user\n',
      ['<end_of_turn>', '<eos>', '<start_of_turn>'],
    ],
    ['gemma4', ['<|turn>', '<turn|>'], '<bos>', '<turn|>', '<bos><|turn>user\n', ['<turn|>', '<|turn>']],
    [
      'gptoss',
      ['<|start|>', '<|message|>', '<|end|>', '<|channel|>'],
      '',
      '<|return|>',
      '<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2026-11-28\n\nReasoning: medium\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|><|start|>user<|message|>',
      ['<|end|>', '<|return|>', '<|start|>'],
    ],
    [
      'deepseekv3',
      ['<｜User｜>', '<｜Assistant｜>'],
      '<｜begin▁of▁sentence｜>',
      '<｜end▁of▁sentence｜>',
      '<｜begin▁of▁sentence｜><｜User｜>',
      ['<｜Assistant｜>', '<｜end▁of▁sentence｜>', '<｜User｜>'],
    ],
    [
      'glm4moe',
      ['[gMASK]', '<sop>', '<|user|>', '<|assistant|>'],
      '',
      '<|endoftext|>',
      '[gMASK]<sop><|user|>\n',
      ['<|assistant|>', '<|endoftext|>', '<|user|>'],
    ],
    ['nemotron_3_nano', IM, '', '<|im_end|>', '<|im_start|>system\n<|im_end|>\n<|im_start|>user\n', ['<|im_end|>', '<|im_start|>']],
    ['lfm2', IM, '<|startoftext|>', '<|im_end|>', '<|startoftext|><|im_start|>user\n', ['<|im_end|>', '<|im_start|>']],
    ['phi3', ['<|user|>', '<|end|>', '<|assistant|>'], '<s>', '<|endoftext|>', '<|user|>\n', ['<|end|>', '<|endoftext|>', '<|user|>']],
    [
      'llama3',
      ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
      '<|begin_of_text|>',
      '<|eot_id|>',
      '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n',
      ['<|eot_id|>', '<|start_header_id|>'],
    ],
  ])('%s', (name, special, bos, eos, preQuery, stop) => {
    const parts = partsOf(name, special, bos, eos);
    expect(parts.preQuery).toBe(preQuery);
    expect(parts.stop).toEqual(stop);
    for (const mark of stop) expect(parts.headers).toContain(mark);
  });

  it('is found of every template that TRL ships for texts, and never from its name', () => {
    const refused = Object.keys(templates).filter((name) => {
      try {
        return partsOf(name, [], '<bos>', '<eos>').preQuery === '';
      } catch {
        return true;
      }
    });
    // Those want the parts of a message with images.
    expect(refused).toEqual(['idefics3', 'llava_next', 'smolvlm']);
    expect(Object.keys(templates).length).toBeGreaterThan(35);
  });
});

describe('the switch of thoughts', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['qwen3', '<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n', '<|im_end|>\n<|im_start|>assistant\n'],
    ['qwen3_6', '<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n', '<|im_end|>\n<|im_start|>assistant\n<think>\n'],
    ['glm4moe', '/nothink<|assistant|>\n<think></think>', '<|assistant|>'],
    ['nemotron_3_nano', '<|im_end|>\n<|im_start|>assistant\n<think></think>', '<|im_end|>\n<|im_start|>assistant\n<think>\n'],
    // It has no switch, but begins inside a thought, which can be closed.
    ['deepseek_r1_distill', '<｜Assistant｜><think>\n\n</think>\n\n', '<｜Assistant｜><think>\n'],
    ['gptoss', undefined, undefined],
    ['llama3', undefined, undefined],
    ['phi3', undefined, undefined],
  ])('of %s is what its template writes with thoughts off and on', (name, off, on) => {
    expect([thinkingPrompt(rendering(name), 'off'), thinkingPrompt(rendering(name), 'on')]).toEqual([off, on]);
  });

  it('of Gemma 4 stands before the text, of gpt-oss it is an effort', () => {
    const gemma = thinkingSwitch(rendering('gemma4'));
    expect(gemma.on).toMatchObject({
      variables: { enable_thinking: true },
      before: '<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\n',
    });
    expect(gemma.off?.before).toBe('<bos><|turn>user\n');
    expect(thinkingSwitch(rendering('gptoss'))).toMatchObject({
      effort: { variable: 'reasoning_effort', values: ['low', 'medium', 'high'] },
    });
    expect(thinkingSwitch(rendering('qwen3_8')).effort).toEqual({ variable: 'reasoning_effort', values: ['low', 'medium', 'xhigh'] });
  });

  it('is a budget where the template knows one, and tags are found that it puts together', () => {
    const header = '{% for m in messages %}<|u|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|a|>';
    const seed = { chatTemplate: `${header}{% if thinking_budget == 0 %}<seed:think></seed:think>{% endif %}{% endif %}`, variables: {} };
    expect(thinkingPrompt(seed, 'off')).toBe('<|a|><seed:think></seed:think>');
    expect(thinkingSwitch(seed).on?.variables).toEqual({ thinking_budget: -1 });
    const kimi = { chatTemplate: `${header}{{ '<|open|>' + 'think' + '<|sep|>' }}{% endif %}`, variables: {} };
    expect(thinkingSwitch(kimi)).toMatchObject({ beginsInside: true, tags: { open: '<|open|>think<|sep|>' } });
    const apriel = { chatTemplate: `${header}\nHere are my reasoning steps:\n{% endif %}`, variables: {} };
    expect(thinkingPrompt(apriel, 'off')).toBe('<|a|>\nHere are my reasoning steps:\n\n[BEGIN FINAL RESPONSE]\n\n');
  });

  it('says where a reply begins inside a thought, and in which tags', () => {
    expect(thinkingSwitch(rendering('qwen3'))).toMatchObject({ beginsInside: false, tags: { open: '<think>', close: '</think>' } });
    expect(thinkingSwitch(rendering('qwen3_6')).beginsInside).toBe(true);
    expect(thinkingSwitch(rendering('llama3'))).toEqual({ beginsInside: false });
  });
});

function formatFrom(facts: Parameters<typeof takeApart>[0]): ChatTemplate {
  const identities = { extraction: '', conversation: '', text: '' };
  const source = { kind: 'directory', place: '/model', file: 'chat_template.jinja' } as const;
  return chatFormatOf({ ...facts, ...takeApart(facts), source, identities, addsBos: false, defaults: {} });
}

test('a format whose tokens nobody could read does not say that it knows them', () => {
  const facts = { ...rendering('qwen3', '', '<|im_end|>'), ends: ['<|im_end|>'] };
  const known = [{ text: '<|im_end|>', id: 2, special: true }];
  const formatOf = (tokens: typeof known): ChatTemplate => formatFrom({ ...facts, tokens });
  expect(formatOf(known).knowsTokens).toBe(true);
  expect(formatOf([]).knowsTokens).toBe(false);
  // so what looks like any format's markup is taken out of texts
  const neutral = neutralizer(formatOf([]).structure, formatOf([]).knowsTokens === true);
  expect(neutral('a<|reserved_special_token_7|>[INST]b')).toEqual({ text: 'a< |reserved_special_token_7|>[ INST]b', changed: 2 });
});

test('a raw prompt of a model with channels begins its answer in the one for answers, unless it is to think', () => {
  const tokens = ['<|start|>', '<|message|>', '<|end|>', '<|channel|>'].map((text, id) => ({ text, id, special: true }));
  const facts = { ...rendering('gptoss', '', '<|return|>'), tokens, ends: ['<|return|>'] };
  expect(takeApart(facts).gap).toBe('<|channel|>final<|message|>');
  const format = formatFrom(facts);
  const asked = [{ role: 'user' as const, content: 'Bread?' }];
  const end = 'Bread?<|end|><|start|>assistant';
  expect(format.renderPrompt(asked).endsWith(`${end}<|channel|>final<|message|>`)).toBe(true);
  expect(format.renderPrompt(asked, { assistantPrefix: 'Score: ' }).endsWith(`${end}<|channel|>final<|message|>Score: `)).toBe(true);
  expect(format.renderPrompt(asked, { thinking: 'on' }).endsWith(end)).toBe(true);
});
