import { MethodError } from '../../method/method-error';
import type { Message } from '../../method/records';
import { CATALOG } from '../../method/template-catalog';
import { checkBos, resolveTemplate, templateNames } from '../../method/templates';

const turns: Message[] = [
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi there' },
  { role: 'user', content: 'Why?' },
];
const withSystem: Message[] = [{ role: 'system', content: 'Be brief.' }, ...turns];
const render = (name: string, messages: Message[]): string => resolveTemplate(name).renderPrompt(messages);

describe('the bare pre-query template', () => {
  it("is the paper's text to the letter for llama-3-paper", () => {
    expect(resolveTemplate('llama-3-paper').preQuery).toBe('<|start_header_id|>user<|end_header_id|>');
  });

  it.each([
    ['llama-3', '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n'],
    ['llama-3.1', '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n'],
    ['qwen2', '<|im_start|>user\n'],
    ['qwen2-system', '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n'],
    ['smollm2', '<|im_start|>user\n'],
    [
      'smollm2-system',
      '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n',
    ],
    ['mistral', '<s>[INST] '],
    ['gemma', '<bos><start_of_turn>user\n'],
    ['phi-3', '<|user|>\n'],
    ['deepseek-v2', '<｜begin▁of▁sentence｜>User: '],
    ['deepseek', '<｜begin▁of▁sentence｜><｜User｜>'],
  ])('of %s ends where the user would begin to write', (name, preQuery) => {
    expect(resolveTemplate(name).preQuery).toBe(preQuery);
  });

  it.each(Object.keys(CATALOG).filter((name) => name !== 'llama-3-paper' && !name.endsWith('-system')))(
    'of %s begins every conversation that has no system message of its own or by default',
    (name) => {
      const { layout } = CATALOG[name]!;
      const { preQuery, renderPrompt } = resolveTemplate(name);
      const prompt = renderPrompt([{ role: 'user', content: 'Hello' }]);
      const place = prompt.indexOf(`${preQuery.slice(layout.bos?.length ?? 0)}Hello`);
      expect(prompt.startsWith(layout.bos ?? '')).toBe(true);
      expect(place > (layout.bos?.length ?? 0)).toBe(layout.defaultSystem !== undefined);
      expect(place).toBeGreaterThanOrEqual(0);
    },
  );
});

describe('a rendered conversation', () => {
  it.each([
    [
      'llama-3',
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    [
      'chatml',
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
    ],
    ['mistral', '<s>[INST] Be brief.\n\nHello[/INST] Hi there</s>[INST] Why?[/INST]'],
    ['mistral-v1', '<s>[INST] Be brief.\n\nHello [/INST] Hi there</s>[INST] Why? [/INST]'],
    ['mistral-nemo', '<s>[INST]Be brief.\n\nHello[/INST]Hi there</s>[INST]Why?[/INST]'],
    ['mistral-v7', '<s>[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hello[/INST] Hi there</s>[INST] Why?[/INST]'],
    ['llama-2', '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi there </s><s>[INST] Why? [/INST]'],
    [
      'gemma',
      '<bos><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi there<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n',
    ],
    [
      'phi-3',
      '<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there<|end|>\n<|user|>\nWhy?<|end|>\n<|assistant|>\n',
    ],
    ['zephyr', '<s><|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi there</s>\n<|user|>\nWhy?</s>\n<|assistant|>\n'],
    [
      'tulu',
      '<|begin_of_text|><|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\nHi there<|end_of_text|>\n<|user|>\nWhy?\n<|assistant|>\n',
    ],
    ['deepseek-v2', '<｜begin▁of▁sentence｜>Be brief.\n\nUser: Hello\n\nAssistant: Hi there<｜end▁of▁sentence｜>User: Why?\n\nAssistant:'],
    [
      'deepseek-v3',
      '<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hello<｜Assistant｜>Hi there<｜end▁of▁sentence｜><｜User｜>Why?<｜Assistant｜>',
    ],
  ])('in the format %s is what the family was trained on', (name, expected) => {
    expect(render(name, withSystem)).toBe(expected);
  });

  it("has the family's default system message when it has none of its own", () => {
    const system = '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n';
    expect(render('smollm2', turns)).toBe(`${system}${render('chatml', turns)}`);
    expect(render('smollm2', withSystem)).toBe(render('chatml', withSystem));
    expect(render('llama-3.1', turns)).toContain('Today Date: 26 Jul 2024\n\n<|eot_id|>');
  });

  it('ends in the words that the assistant is to continue', () => {
    const judge = resolveTemplate('smollm2').renderPrompt(turns, { assistantPrefix: 'Good. Score: ' });
    expect(judge.endsWith('<|im_start|>assistant\nGood. Score: ')).toBe(true);
    const mistral = resolveTemplate('mistral').renderPrompt(turns, { assistantPrefix: 'Score:' });
    expect(mistral.endsWith('Why?[/INST] Score:')).toBe(true);
    expect(resolveTemplate('mistral').renderPrompt(turns, { assistantPrefix: '' }).endsWith('[/INST]')).toBe(true);
  });

  it('trims messages only where the family does', () => {
    const padded: Message[] = [{ role: 'user', content: '  spaced  ' }];
    expect(render('llama-3', padded)).toContain('\n\nspaced<|eot_id|>');
    expect(render('chatml', padded)).toContain('user\n  spaced  <|im_end|>');
  });

  it('leaves text alone that looks like a replacement pattern', () => {
    expect(render('chatml', [{ role: 'user', content: '$& $1 $$' }])).toContain('user\n$& $1 $$<|im_end|>');
  });

  it.each<[string, Message[], string]>([
    ['two users in a row', [turns[0]!, turns[0]!], 'message 1 has the role user where assistant belongs'],
    ['a late system message', [...turns.slice(0, 2), withSystem[0]!], 'message 2 has the role system'],
    ['the assistant last', turns.slice(0, 2), "the last message is not the user's"],
    ['a system message alone', [withSystem[0]!], "the last message is not the user's"],
    ['nothing', [], "the last message is not the user's"],
  ])('is refused with %s', (_name, messages, message) => {
    expect(() => render('chatml', messages)).toThrow(message);
  });
});

describe('a template name', () => {
  it('is found whatever its case, and by its shorter name', () => {
    expect(resolveTemplate('Llama-3').name).toBe('llama-3');
    expect(resolveTemplate('mistral').name).toBe('mistral-v3');
  });

  it('that is unknown is answered with the nearest ones', () => {
    expect(() => resolveTemplate('lama-3')).toThrow(MethodError);
    expect(() => resolveTemplate('lama-3')).toThrow(/"lama-3" is unknown; did you mean llama-3 or /);
    expect(() => resolveTemplate('qwen-2.5')).toThrow(/did you mean qwen2\.5/);
    expect(() => resolveTemplate('zzzzzzzzzzzz')).toThrow(/known are chatml, command-r, .*\. A literal/);
  });

  it('of an object property is unknown too', () => {
    expect(() => resolveTemplate('constructor')).toThrow(/is unknown/);
    expect(() => resolveTemplate('__proto__')).toThrow(/is unknown/);
  });

  it.each(templateNames())('%s has one to four stop strings and a header to cut at', (name) => {
    const { stop, headers, specialTokens } = resolveTemplate(name);
    expect(stop.length).toBeGreaterThanOrEqual(1);
    expect(stop.length).toBeLessThanOrEqual(4);
    expect(headers.length).toBeGreaterThanOrEqual(1);
    expect([...stop, ...headers, ...specialTokens]).not.toContain('');
  });
});

describe('a literal template', () => {
  it('extracts, but does not write conversations', () => {
    const template = resolveTemplate({ preQuery: '### Instruction:\n', stop: ['### Response:'] });
    expect(template).toMatchObject({ name: 'literal', preQuery: '### Instruction:\n', stop: ['### Response:'] });
    expect(() => template.renderPrompt(turns)).toThrow(/says how to extract, not how to write a conversation; name one of/);
  });

  it('takes its special tokens from the stop strings that look like one', () => {
    expect(resolveTemplate({ preQuery: 'x', stop: ['<end>', 'User:', '[/INST]'] }).specialTokens).toEqual(['<end>', '[/INST]']);
  });

  it('is refused without a pre-query text or with stop strings that no API takes', () => {
    expect(() => resolveTemplate({ preQuery: '' })).toThrow(/empty preQuery/);
    expect(() => resolveTemplate({ preQuery: 'x', stop: [''] })).toThrow(/empty stop string/);
    expect(() => resolveTemplate({ preQuery: 'x', stop: ['1', '2', '3', '4', '5'] })).toThrow(/5 stop strings/);
  });
});

describe('a BOS token that the server adds as well', () => {
  const llama = resolveTemplate('llama-3');

  it('is not doubled: vLLM is told not to add it', () => {
    expect(checkBos({ prompt: llama.preQuery, template: llama })).toEqual({ prompt: llama.preQuery, addSpecialTokens: false });
  });

  it("is left to the server when the prompt has none, as the paper's has", () => {
    const paper = resolveTemplate('llama-3-paper');
    expect(checkBos({ prompt: paper.preQuery, template: paper })).toEqual({ prompt: paper.preQuery });
  });

  it('is taken out of the prompt, and reported, when the server cannot be told', () => {
    const { prompt, addSpecialTokens, warning } = checkBos({ prompt: llama.preQuery, template: llama, handling: 'adds' });
    expect(prompt).toBe('<|start_header_id|>user<|end_header_id|>\n\n');
    expect(addSpecialTokens).toBeUndefined();
    expect(warning).toContain('llama-3 was removed');
  });

  it('is reported when it is doubled in the prompt itself, and kept once', () => {
    const decision = checkBos({ prompt: `<|begin_of_text|>${llama.preQuery}`, template: llama });
    expect(decision).toMatchObject({ prompt: llama.preQuery, addSpecialTokens: false });
    expect(decision.warning).toContain('2 times <|begin_of_text|>');
  });

  it('is missed when neither the prompt nor the server has it', () => {
    const decision = checkBos({ prompt: 'plain', template: llama, handling: 'verbatim' });
    expect(decision.prompt).toBe('plain');
    expect(decision.warning).toContain('the server adds none');
    expect(checkBos({ prompt: llama.preQuery, template: llama, handling: 'verbatim' })).toEqual({ prompt: llama.preQuery });
  });

  it("is not seen in ChatML, whose first token is a header: SmolLM2's prompt stays whole", () => {
    const smollm2 = resolveTemplate('smollm2');
    expect(checkBos({ prompt: smollm2.preQuery, template: smollm2, handling: 'adds' })).toEqual({ prompt: '<|im_start|>user\n' });
  });

  it("is recognised in a literal template by any family's", () => {
    const literal = resolveTemplate({ preQuery: '<s>User: ', bos: null });
    expect(checkBos({ prompt: literal.preQuery, template: literal })).toEqual({ prompt: '<s>User: ', addSpecialTokens: false });
    const other = resolveTemplate({ preQuery: '@@User: ', bos: '@@' });
    expect(checkBos({ prompt: other.preQuery, template: other, handling: 'adds' }).prompt).toBe('User: ');
    const none = resolveTemplate({ preQuery: 'User: ' });
    expect(checkBos({ prompt: none.preQuery, template: none })).toEqual({ prompt: 'User: ' });
  });
});
