import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplate } from '../../../services/tokenizers/read-template';
import { TemplateNotReadError } from '../../../services/tokenizers/template-error';
import { LLAMA32, QWEN25, ZEPHYR } from '../../support/model-descriptions';
import { FakeModelHub, ggufFile, tokenizerFiles, writeFiles } from '../../support/model-files';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const DATE = '2026-11-28';
const OFFLINE = { HF_HUB_OFFLINE: '1' };

async function failure(place: string, env: Record<string, string> = OFFLINE): Promise<TemplateNotReadError> {
  const error: unknown = await readTemplate({ place }, { date: DATE, env: { HF_HOME: temp(), ...env } }).catch((thrown: unknown) => thrown);
  if (!(error instanceof TemplateNotReadError)) throw new Error('it was read');
  return error;
}

describe("a model's own chat template", () => {
  it('is read from the files beside its weights, with all that extraction needs', async () => {
    const place = writeFiles(temp(), tokenizerFiles(QWEN25));
    const read = await readTemplate({ place }, { date: DATE, env: OFFLINE });
    expect(read).toMatchObject({
      source: { kind: 'directory', place, file: 'chat_template.jinja' },
      // Magpie's authors: bare, Qwen2.5 writes fragments (magpie-align/magpie#28); its default system turn goes before
      preQuery: '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n<|im_start|>user\n',
      generationPrompt: '<|im_end|>\n<|im_start|>assistant\n',
      stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
      stopTokenIds: [2, 0, 1],
      addsBos: false,
      defaults: { temperature: 0.7, top_p: 0.8, top_k: 20, repetition_penalty: 1.05 },
    });
    expect(read.date).toBeUndefined();
  });

  it('is the same of a GGUF file of that model, wherever the file lies', async () => {
    const { template, special, added = [] } = QWEN25;
    const all = [...special, ...added, 'word'];
    const place = join(temp(), 'model.gguf');
    writeFileSync(
      place,
      ggufFile({
        'general.architecture': 'qwen2',
        'tokenizer.ggml.model': 'gpt2',
        'tokenizer.ggml.tokens': all,
        'tokenizer.ggml.token_type': all.map((text) => (special.includes(text) ? 3 : text === 'word' ? 1 : 4)),
        'tokenizer.ggml.eos_token_id': 2,
        'tokenizer.ggml.eot_token_id': 0,
        'tokenizer.ggml.add_bos_token': false,
        'tokenizer.chat_template': template,
      }),
    );
    const files = await readTemplate({ place: writeFiles(join(temp(), 'hf'), tokenizerFiles(QWEN25)) }, { date: DATE, env: OFFLINE });
    for (const where of [place, temp()]) {
      const read = await readTemplate({ place: where }, { date: DATE, env: OFFLINE });
      expect(read.source).toEqual({ kind: 'gguf', place, file: 'tokenizer.chat_template' });
      expect(read.preQuery).toBe(files.preQuery);
      expect(read.identities.extraction).toBe(files.identities.extraction);
    }
  });

  it('is read where special and added tokens have files of their own, as beside a SentencePiece model alone', async () => {
    const files = {
      'tokenizer.model': 'not looked at',
      'tokenizer_config.json': JSON.stringify({
        tokenizer_class: 'LlamaTokenizer',
        eos_token: '<unk>',
        chat_template: [
          { name: 'tool_use', template: 'other' },
          {
            name: 'default',
            template:
              '{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
          },
        ],
      }),
      'special_tokens_map.json': JSON.stringify({ bos_token: { content: '<s>', lstrip: false }, eos_token: '<|im_end|>' }),
      'added_tokens.json': JSON.stringify({ '<|im_start|>': 32_001, '<|im_end|>': 32_000 }),
    };
    const read = async (name: string, all: Record<string, string>) =>
      await readTemplate({ place: writeFiles(join(temp(), name), all) }, { date: DATE, env: OFFLINE });
    expect(await read('old', files)).toMatchObject({
      preQuery: '<s><|im_start|>user\n',
      stop: ['<|im_end|>', '<|im_start|>'],
      stopTokenIds: [32_000, 32_001],
      addsBos: true,
    });
    // transformers does not look at them where the configuration has all added tokens.
    const config = {
      ...(JSON.parse(files['tokenizer_config.json']) as object),
      added_tokens_decoder: { 7: { content: '<|im_end|>', special: true } },
    };
    expect(await read('new', { ...files, 'tokenizer_config.json': JSON.stringify(config) })).toMatchObject({
      preQuery: '<|im_start|>user\n',
      addsBos: false,
    });
  });

  it('of a GGUF file says that a BOS is added where llama.cpp adds one', async () => {
    const base = {
      'general.architecture': 'llama',
      'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>'],
      'tokenizer.ggml.token_type': [2, 3, 3],
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.chat_template': ZEPHYR.template,
    };
    const addsBos = async (more: Parameters<typeof ggufFile>[0]): Promise<boolean> => {
      const place = join(temp(), 'a.gguf');
      writeFileSync(place, ggufFile({ ...base, ...more }));
      return (await readTemplate({ place }, { date: DATE, env: OFFLINE })).addsBos;
    };
    expect(await addsBos({ 'tokenizer.ggml.model': 'llama' })).toBe(true);
    expect(await addsBos({ 'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.add_bos_token': false })).toBe(false);
    expect(await addsBos({ 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'llama-bpe' })).toBe(true);
    expect(await addsBos({ 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'qwen2' })).toBe(false);
  });

  it('is told the date that is fixed for the run, and only one that asks has it', async () => {
    const place = writeFiles(temp(), tokenizerFiles(LLAMA32));
    const read = await readTemplate({ place }, { date: DATE, env: OFFLINE });
    expect(read).toMatchObject({
      date: DATE,
      addsBos: true,
      preQuery:
        '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nToday Date: 28 Nov 2026<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n',
      defaultSystem: '<|start_header_id|>system<|end_header_id|>\n\nToday Date: 28 Nov 2026<|eot_id|>',
    });
    const later = await readTemplate({ place }, { date: '2026-11-29', env: OFFLINE });
    expect(later.identities.extraction).not.toBe(read.identities.extraction);
  });

  it.each([
    [
      'in tokenizer_config.json',
      { 'tokenizer_config.json': JSON.stringify({ chat_template: ZEPHYR.template, eos_token: { content: '</s>' } }) },
    ],
    [
      'the default of several',
      {
        'tokenizer_config.json': JSON.stringify({
          eos_token: '</s>',
          chat_template: [
            { name: 'tool_use', template: 'x' },
            { name: 'default', template: ZEPHYR.template },
          ],
        }),
      },
    ],
    [
      'of a processor',
      { 'tokenizer_config.json': '{"eos_token": "</s>"}', 'chat_template.json': JSON.stringify({ chat_template: ZEPHYR.template }) },
    ],
    [
      'with line ends of Windows',
      { 'tokenizer_config.json': '{"eos_token": "</s>"}', 'chat_template.jinja': ZEPHYR.template.replaceAll('\n', '\r\n') },
    ],
  ])('is found %s', async (_, files) => {
    const read = await readTemplate({ place: writeFiles(temp(), files) }, { date: DATE, env: OFFLINE });
    expect(read.preQuery).toBe('<|user|>\n');
    expect(read.stop).toEqual(['</s>', '<|assistant|>', '<|user|>']);
  });

  it.each([
    ['a folder without one', { 'config.json': '{}' }, /has no chat template \(chat_template\.jinja, or in tokenizer_config\.json\)$/],
    [
      'only templates of other names',
      { 'tokenizer_config.json': '{"chat_template": [{"name": "rag", "template": "x"}]}' },
      /only ones named rag$/,
    ],
    ['a configuration that is no JSON', { 'tokenizer_config.json': '{' }, /^tokenizer_config\.json of \S+ cannot be read/],
    [
      'a template that is no Jinja',
      { 'chat_template.jinja': '{% for %}' },
      /^chat_template\.jinja of \S+ cannot be used: the chat template refuses user/,
    ],
    ['one that takes no user', { 'chat_template.jinja': "{{ raise_exception('no users') }}" }, /it says "no users"$/],
    [
      'one that wants parts',
      { 'chat_template.jinja': '{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}' },
      /cannot be used/,
    ],
    [
      'one that writes a text twice',
      { 'chat_template.jinja': '<u>{{ messages[0].content }}{{ messages[0].content }}' },
      /writes a user's message 2 times$/,
    ],
    ['one with nothing before a text', { 'chat_template.jinja': '{{ messages[0].content }}' }, /nothing to extract with$/],
    ['one that counts for ever', { 'chat_template.jinja': '{% for i in range(1000000000) %}{% endfor %}' }, /it counts to 1000000000$/],
  ])('cannot be had of %s, and the sentence says why', async (_, files, sentence) => {
    const error = await failure(writeFiles(temp(), files));
    expect(error.message).toMatch(sentence);
    expect(error.isPassing).toBe(false);
  });

  it('cannot be had of a place that is not there, or of a file that is no GGUF', async () => {
    expect((await failure('/no/such/place')).message).toBe('/no/such/place cannot be read (ENOENT)');
    writeFileSync(join(temp(), 'x.gguf'), 'GGML');
    expect((await failure(join(temp(), 'x.gguf'))).message).toMatch(/cannot be read as a GGUF file/);
  });
});

describe('a chat template on the hub', () => {
  let hub: FakeModelHub;
  beforeAll(async () => {
    hub = await FakeModelHub.start(
      { 'org/open': tokenizerFiles(QWEN25), 'org/gated': tokenizerFiles(LLAMA32), 'org/base': {} },
      { 'org/gated': 'hf_right' },
    );
  });
  afterAll(async () => await hub.close());

  it('is read with the small files alone', async () => {
    hub.asked.length = 0;
    const env = { HF_ENDPOINT: hub.url, HF_HOME: temp() };
    const read = await readTemplate({ place: 'org/open', revision: 'abc' }, { date: DATE, env });
    expect(read.source).toEqual({ kind: 'hub', place: 'org/open', revision: 'abc', file: 'chat_template.jinja' });
    expect(read.stop[0]).toBe('<|im_end|>');
    expect(new Set(hub.asked)).toEqual(
      new Set(
        [
          'tokenizer_config.json',
          'special_tokens_map.json',
          'added_tokens.json',
          'chat_template.jinja',
          'tokenizer.json',
          'generation_config.json',
        ].map((name) => `org/open@abc/${name}`),
      ),
    );
  });

  it('is read with the token of the environment, which no sentence repeats', async () => {
    const env = { HF_ENDPOINT: hub.url, HF_HOME: temp() };
    expect((await readTemplate({ place: 'org/gated' }, { date: DATE, env: { ...env, HF_TOKEN: 'hf_right' } })).addsBos).toBe(true);
    expect((await failure('org/gated', env)).message).toMatch(
      /does not show org\/gated \(HTTP 403\), .+; set HF_TOKEN to one that may read it$/,
    );
    const wrong = await failure('org/gated', { ...env, HF_TOKEN: 'hf_wrong_wrong' });
    expect(wrong.message).toMatch(/accept its terms on the hub with the account of HF_TOKEN$/);
    expect(wrong.message).not.toContain('hf_wrong_wrong');
    expect((await failure('org/none', env)).message).toMatch(/does not show org\/none \(HTTP 401\), which is gated, private or not there/);
    expect((await failure('org/base', env)).message).toMatch(/^org\/base has no chat template/);
  });

  it('that cannot be reached may be read elsewhere, or from the cache that Python shares', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HOME: temp() };
    const away = await failure('org/open', env);
    expect(away.isPassing).toBe(true);
    expect(away.message).toMatch(/^http:\/\/127\.0\.0\.1:9 cannot be asked for org\/open \(/);
    const snapshot = join(temp(), 'hub', 'models--org--open', 'snapshots', 'c0ffee');
    writeFiles(snapshot, tokenizerFiles(QWEN25));
    writeFiles(join(temp(), 'hub', 'models--org--open', 'refs'), { main: 'c0ffee' });
    expect(existsSync(join(snapshot, 'tokenizer.json'))).toBe(true);
    for (const more of [{}, OFFLINE]) {
      const read = await readTemplate({ place: 'org/open' }, { date: DATE, env: { ...env, ...more } });
      expect(read.stopTokenIds).toEqual([2, 0, 1]);
    }
  });
});
