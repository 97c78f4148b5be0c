import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerInit } from '../../../cli/commands/init';
import { CliError } from '../../../cli/terminal/errors';
import { initText, modelName } from '../../../config/init-text';
import { parseSpecText } from '../../../config/load-spec';
import { loadSpecFile } from '../../../services/runs/spec-files';
import { DialectServer } from '../../support/dialect-server';
import { DIALECTS } from '../../support/dialects';
import { QWEN25 } from '../../support/model-descriptions';
import { tokenizerFiles, writeFiles } from '../../support/model-files';

const CONVERSATION = {
  messages: [
    { role: 'user', content: 'Why?' },
    { role: 'assistant', content: 'Because.' },
  ],
};
const folder = mkdtempSync(join(tmpdir(), 'rehearse-init-'));
const newData = join(folder, 'new-data.jsonl');

/** A real endpoint that lists two models, to whoever has the key where one is asked for. */
let server: Server;
let baseURL: string;
let paths: string[];

/** What the model writes after its pre-query template, one text a request. */
const WRITTEN = ['Why is the sky blue?', 'Sort 3, 1, 2.\nThen stop.', ''];

beforeAll(async () => {
  process.env['HF_HUB_OFFLINE'] = '1';
  process.env['HF_HOME'] = folder;
  const repository = join(folder, 'hub', 'models--org--qwen2.5-7b');
  writeFiles(join(repository, 'snapshots', 'c0ffee'), tokenizerFiles(QWEN25));
  writeFiles(join(repository, 'refs'), { main: 'c0ffee' });
  writeFileSync(newData, `${JSON.stringify(CONVERSATION)}\n`);
  server = createServer((request, response) => {
    paths.push(request.url ?? '');
    if (request.url === '/locked/models' && request.headers.authorization !== 'Bearer right') response.writeHead(401).end();
    else if (request.url === '/page/models') response.end('<html>');
    else if (request.url === '/moved/models') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    else if (request.url === '/v1/models' || request.url === '/locked/models') {
      response.end(JSON.stringify({ data: [{ id: 'org/qwen2.5-7b' }, { id: 'org/other' }] }));
    } else if (request.url?.endsWith('/chat/completions') === true) {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        if (body.includes('"org/qwen2.5-7"')) return void response.writeHead(404).end();
        const choice = (index: number) => ({ index, message: { content: 'Hi' }, finish_reason: 'stop' });
        response.end(JSON.stringify({ choices: [choice(0), choice(1)], usage: { prompt_tokens: 9, completion_tokens: 2 } }));
      });
    } else if (request.url === '/v1/completions') {
      // The first is the probe's.
      const text = WRITTEN[paths.filter((path) => path === '/v1/completions').length - 2] ?? '';
      response.end(
        JSON.stringify({ choices: [{ index: 0, text, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
      );
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  paths = [];
});

interface Outcome {
  readonly out: string;
  readonly error?: CliError;
}

async function init(...args: string[]): Promise<Outcome> {
  let out = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    const program = new Command().exitOverride();
    registerInit(program);
    await program.parseAsync(['init', ...args], { from: 'user' });
    return { out };
  } catch (error) {
    if (error instanceof CliError) return { out, error };
    throw error;
  } finally {
    write.mockRestore();
  }
}

describe('rehearse init', () => {
  it('writes a spec that is valid, and finds the model and the data', async () => {
    const file = join(folder, 'good.yaml');
    const { out, error } = await init(file, '--base-url', `${baseURL}/v1`, '--model', 'org/qwen2.5-7b', '--new-data', newData);
    expect(error).toBeUndefined();
    expect(out).toContain(`ok    ${baseURL}/v1 serves org/qwen2.5-7b`);
    expect(out).toContain('has 1 conversations');
    expect(out).toContain('ok    chat_template.jinja of org/qwen2.5-7b; before an instruction stands "<|im_start|>system\\nYou are Qwen,');
    expect(out).toContain('ok    it wrote: "Why is the sky blue?"\n');
    expect(out).toContain('ok    it wrote: "Sort 3, 1, 2.\\nThen stop."\n');
    expect(out).toContain('ok    it wrote nothing that can be used: empty\n');
    expect(out).toContain(`next: npx rehearse plan ${file}`);
    expect(await loadSpecFile(file)).toMatchObject({
      models: { 'qwen2.5-7b': { baseURL: `${baseURL}/v1`, model: 'org/qwen2.5-7b' } },
      target: { model: 'qwen2.5-7b', weights: 'org/qwen2.5-7b' },
      mix: { newData },
      synthesis: { extract: { instructions: 1000 } },
    });
    expect(readFileSync(file, 'utf8').match(/#/g)?.length).toBeGreaterThan(15);
  });

  it('writes down what the endpoint wants otherwise, and says what it cannot be', async () => {
    const gemini = await DialectServer.start({ ...DIALECTS['Gemini, compatible API']!, raw: 'raw' });
    const ollama = await DialectServer.start({ ...DIALECTS['Ollama']! });
    const chats = await DialectServer.start({ ...DIALECTS['DeepSeek']! });
    try {
      const file = join(folder, 'found.yaml');
      const args = ['--model', 'model', '--weights', 'org/qwen2.5-7b', '--new-data', newData, '--template', 'qwen2.5', '--force'];
      const { out, error } = await init(file, '--base-url', gemini.baseURL, ...args);
      expect(error).toBeUndefined();
      expect(out).toContain('note  written into the spec: models.model.request: {omit: [seed]}');
      expect(await loadSpecFile(file)).toMatchObject({ models: { model: { request: { omit: ['seed'] }, supportsN: false } } });
      const alone = await init(file, '--base-url', chats.baseURL, ...args);
      expect(alone.out).toMatch(/FAIL {2}model "model" at .* answers chats and takes no raw completions .* cannot be its target/);
      expect(alone.out).not.toContain('it wrote');
      expect(await loadSpecFile(file)).toMatchObject({ models: { model: { supportsN: false } } });
      const wrapped = await init(file, '--base-url', ollama.baseURL, ...args);
      expect(wrapped.out).toMatch(/FAIL {2}model "model" at .* puts raw prompts into a chat template/);
      expect(wrapped.error?.message).toBe(`${file} is written, but one check failed`);
    } finally {
      await Promise.all([gemini.close(), ollama.close(), chats.close()]);
    }
  });

  it('takes a model that answers without being listed, as routes and deployments do', async () => {
    const file = join(folder, 'route.yaml');
    const args = ['--weights', 'org/other', '--new-data', newData, '--force'];
    const { out, error } = await init(file, '--base-url', `${baseURL}/v1`, '--model', 'org/other:provider', ...args);
    expect(error).toBeUndefined();
    expect(out).toContain(`ok    ${baseURL}/v1 serves org/other:provider, though it does not list it`);
  });

  it('keeps the file that is there, unless forced', async () => {
    const file = join(folder, 'kept.yaml');
    writeFileSync(file, 'mine');
    const args = [file, '--model', 'm', '--new-data', newData, '--no-check'];
    expect((await init(...args)).error).toMatchObject({
      message: `${file} is there already`,
      hint: 'give another name, or --force to write over it',
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await init(...args, '--force')).error).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toContain('version: 1');
  });

  it('says which option is missing where nobody can be asked', async () => {
    expect((await init(join(folder, 'x.yaml'))).error?.message).toBe('--model and --new-data are missing');
    expect((await init(join(folder, 'x.yaml'), '--model', 'm')).error?.message).toBe('--new-data is missing');
    expect(paths).toEqual([]);
  });

  it.each([
    [
      'a model that is not listed',
      '/v1',
      ['--model', 'org/qwen2.5-7'],
      'the endpoint does not list the model "org/qwen2.5-7"; did you mean "org/qwen2.5-7b"?',
    ],
    [
      'no key',
      '/locked',
      ['--model', 'm'],
      'refuses the request without a key (HTTP 401); put the key into an environment variable and its name under apiKeyEnv',
    ],
    ['a wrong key', '/locked', ['--model', 'm', '--api-key-env', 'INIT_TEST_WRONG'], 'refuses the key (HTTP 401)'],
    ['a URL without /v1', '', ['--model', 'm'], 'does not exist (HTTP 404); baseURL usually ends with /v1'],
    ['a page instead of an API', '/page', ['--model', 'm'], 'does not answer as the OpenAI API does'],
    ['a redirect, which would get the key', '/moved', ['--model', 'm'], 'cannot be reached'],
  ])('writes the spec but fails with %s, and says why', async (what, path, args, reason) => {
    process.env['INIT_TEST_WRONG'] = 'wrong';
    const file = join(folder, `${what.replace(/\W+/g, '-')}.yaml`);
    const { out, error } = await init(file, '--base-url', baseURL + path, '--new-data', newData, ...args);
    expect(out).toContain('FAIL');
    expect(out).toContain(reason);
    expect(error?.message).toBe(`${file} is written, but one check failed`);
    expect(error?.exitCode).toBe(1);
    expect(paths.filter((asked) => !asked.endsWith('/chat/completions'))).toEqual([`${path}/models`]);
  });

  it('passes the key that the environment holds, and does not write it down', async () => {
    process.env['INIT_TEST_RIGHT'] = 'right';
    const file = join(folder, 'key.yaml');
    const { error } = await init(
      file,
      '--base-url',
      `${baseURL}/locked`,
      '--model',
      'org/other',
      '--new-data',
      newData,
      '--api-key-env',
      'INIT_TEST_RIGHT',
    );
    expect(error).toBeUndefined();
    expect((await loadSpecFile(file)).models['other']?.apiKeyEnv).toBe('INIT_TEST_RIGHT');
  });

  it('says both when neither model nor data can be reached', async () => {
    const { out, error } = await init(
      join(folder, 'neither.yaml'),
      '--base-url',
      'http://127.0.0.1:9/v1',
      '--model',
      'm',
      '--new-data',
      join(folder, 'none.jsonl'),
    );
    expect(error?.message).toMatch(/2 checks failed$/);
    expect(out).toContain('http://127.0.0.1:9/v1/models cannot be reached');
    expect(out).toContain('there is no such file');
  });

  it('prints JSON for programs', async () => {
    const { out } = await init(
      join(folder, 'json.yaml'),
      '--base-url',
      `${baseURL}/v1`,
      '--model',
      'org/other',
      '--new-data',
      newData,
      '--json',
    );
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      checks: [
        { what: 'endpoint', ok: true },
        { what: 'files', ok: true },
        { what: 'note', message: expect.stringContaining('not pinned') },
        { what: 'note', message: expect.stringContaining('its own chat template was not read: org/other is not in the cache') },
      ],
    });
  });

  it('refuses values that no spec may have, and writes nothing', async () => {
    const file = join(folder, 'refused.yaml');
    await expect(init(file, '--model', 'm', '--new-data', newData, '--template', 'chatlm')).rejects.toThrow('did you mean "chatml"?');
    await expect(init(file, '--model', 'm', '--new-data', newData, '--api-key-env', ['sk', '1234567890abcdef'].join('-'))).rejects.toThrow(
      'a hidden value of 19 characters',
    );
    expect((await init(file, '--model', 'm', '--new-data', newData, '--instructions', 'ten')).error?.message).toBe(
      '--instructions is "ten"',
    );
    await expect(loadSpecFile(file)).rejects.toThrow('there is no such file');
  });

  it('writes paths as seen from the spec', async () => {
    const weights = join(folder, 'weights');
    mkdirSync(weights);
    writeFileSync(join(weights, 'config.json'), '{}');
    const file = join(folder, 'paths.yaml');
    await init(file, '--model', 'm', '--new-data', newData, '--weights', weights, '--no-check');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('newData: ./new-data.jsonl\n');
    expect(text).toContain('weights: ./weights #');
    expect((await loadSpecFile(file)).target.weights).toBe(weights);
  });
});

describe('the text of a new spec', () => {
  it.each([
    'plain',
    'a: b',
    '# c',
    'x\ny: 1',
    '- dash',
    "it's",
    '"quoted"',
    '{flow}',
    'ends with colon:',
    '12',
    'true',
    '*alias',
    '  space  ',
  ])('carries %j as it is', (value) => {
    const text = initText({
      baseURL: 'http://h/v1',
      model: value,
      template: 'chatml',
      weights: './w',
      newData: value,
      instructions: 10,
      schema: './s.json',
    });
    const spec = parseSpecText(text, { folder: '/', file: 'x' });
    expect(Object.values(spec.models).map(({ model }) => model)).toEqual([value]);
    expect(spec.mix.newData).toBe(`/${value}`);
  });

  it.each([
    ['Qwen/Qwen2.5-7B-Instruct', 'qwen2.5-7b-instruct'],
    ['my model', 'my-model'],
    ['***', 'target'],
    ['org/_x', 'x'],
  ])('names the model %s %s', (id, name) => {
    expect(modelName(id)).toBe(name);
  });
});
