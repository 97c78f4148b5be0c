import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec } from '../../config/spec';
import { checkSpecFiles } from '../../services/runs/spec-files';
import { specWith } from './valid-spec';

const folder = mkdtempSync(join(tmpdir(), 'rehearse-spec-files-'));
const ENV = { OTHER_API_KEY: 'set' };
const USER = { role: 'user', content: 'Why?' };
const ASSISTANT = { role: 'assistant', content: 'Because.' };

function file(name: string, rows: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return path;
}

function specOf(path: string, value: unknown): RunSpec {
  return parseSpec({ ...specWith(path, value) });
}

async function errorsOfNewData(rows: readonly unknown[]): Promise<readonly string[]> {
  const path = file('new.jsonl', rows);
  const { errors } = await checkSpecFiles(specOf('mix/newData', path), { env: ENV });
  return errors.map((error) => error.replaceAll(JSON.stringify(path), 'FILE'));
}

describe('new data', () => {
  const whole = { messages: [USER, ASSISTANT] };

  it('of sound conversations is counted', async () => {
    const rows = [
      whole,
      '',
      { id: 7, messages: [{ role: 'system', content: 'Be brief.' }, USER, ASSISTANT, USER, ASSISTANT] },
      JSON.stringify(whole).concat('\r'),
      { messages: [{ role: 'user', content: 'one line\u2028and another' }, ASSISTANT] },
    ];
    const { errors, counts } = await checkSpecFiles(specOf('mix/newData', file('good.jsonl', rows)), { env: ENV });
    expect([errors, counts.newExamples]).toEqual([[], 4]);
  });

  const expected =
    'expected one {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]} a line; fix that line.';
  it.each([
    [
      'a line that is no JSON',
      '{"messages": [',
      expect.stringMatching(/^mix\.newData: got FILE line 2: no JSON \(.+\), expected one .+; fix that line\.$/),
    ],
    ['a row that is no mapping', 'null', `mix.newData: got FILE line 2: row is null where a mapping belongs, ${expected}`],
    [
      'a row without a conversation',
      { text: 'x' },
      `mix.newData: got FILE line 2: row is a mapping with the keys text where one with messages, conversations, prompt and completion, or instruction and output belongs, ${expected}`,
    ],
    [
      'no messages in it',
      { messages: [] },
      `mix.newData: got FILE line 2: messages is an empty list where a list of at least 1 belongs, ${expected}`,
    ],
    [
      'another role',
      { messages: [{ role: 'narrator', content: 'x' }] },
      `mix.newData: got FILE line 2: messages[0].role is "narrator" where "system", "user", "assistant" or "tool" belongs, ${expected}`,
    ],
    [
      'content that is no text',
      { messages: [{ role: 'user', content: null }] },
      `mix.newData: got FILE line 2: messages[0].content is null where a text belongs, ${expected}`,
    ],
    [
      'an empty message',
      { messages: [USER, { role: 'assistant', content: ' \n' }] },
      `mix.newData: got FILE line 2: messages[1].content is only white space where what the assistant says belongs, ${expected}`,
    ],
    [
      'two user messages in a row',
      { messages: [USER, USER, ASSISTANT] },
      `mix.newData: got FILE line 2: messages[1].role is "user" where "assistant" (an optional system message, then user and assistant in turn) belongs, ${expected}`,
    ],
    [
      'the assistant first',
      { messages: [ASSISTANT] },
      `mix.newData: got FILE line 2: messages[0].role is "assistant" where "user" (an optional system message, then user and assistant in turn) belongs, ${expected}`,
    ],
    [
      'no answer at the end',
      { messages: [USER, ASSISTANT, USER] },
      `mix.newData: got FILE line 2: messages is a last message by the user where the assistant's answer at the end belongs, ${expected}`,
    ],
    [
      'a system message alone',
      { messages: [{ role: 'system', content: 'x' }] },
      `mix.newData: got FILE line 2: messages is a last message by the system where the assistant's answer at the end belongs, ${expected}`,
    ],
  ])('with %s gets one sentence with its line', async (_what, row, sentence) => {
    const errors = await errorsOfNewData([whole, row, whole]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toEqual(sentence);
  });

  it('that is bad throughout fills five lines, not the screen', async () => {
    const errors = await errorsOfNewData(Array(1000).fill('x'));
    expect(errors).toHaveLength(6);
    expect(errors[5]).toContain('got 995 more bad lines in FILE');
  });

  it('that is empty is refused', async () => {
    expect((await errorsOfNewData([]))[0]).toMatch(/^mix\.newData: got FILE without a row that counts, expected/);
  });

  it('that is not there, or a folder, is refused', async () => {
    const missing = await checkSpecFiles(specOf('mix/newData', join(folder, 'none.jsonl')), { env: ENV });
    expect(missing.errors).toEqual([
      expect.stringMatching(
        /^mix\.newData: got ".+none\.jsonl" \(there is no such file\), expected a file of JSON lines, JSON or Parquet that can be read/,
      ),
    ]);
    const directory = await checkSpecFiles(specOf('mix/newData', folder), { env: ENV });
    expect(directory.errors).toEqual([expect.stringContaining('(a directory, not a file)')]);
  });

  it('larger than replay has room for is told as a warning, not used in silence', async () => {
    const spec = parseSpec(specWith('mix/newData', file('many.jsonl', Array(100).fill(whole))));
    expect((await checkSpecFiles(spec, { env: ENV })).warnings).toEqual([
      'mix.newData: of its 100 examples at most 20 will be used, since 100 instructions give at most 100 replay examples and a newShare of 0.17 wants 488 beside 100; extract more to use more.',
    ]);
  });
});

describe('local evaluation data', () => {
  const mmlu = { question: 'q', options: ['a', 'b', 'c'], answer: 'C' };
  const gpqa = { Question: 'q', 'Correct Answer': 'a', 'Incorrect Answer 1': 'b', 'Incorrect Answer 2': 'c', 'Incorrect Answer 3': 'd' };
  const ifeval = { key: 1, prompt: 'p', instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] };
  const math = { problem: 'p', level: 'Level 5', type: 'Algebra', solution: '\\boxed{1}' };

  async function check(task: string, split: string, row: unknown): Promise<Awaited<ReturnType<typeof checkSpecFiles>>> {
    const newData = file('new-good.jsonl', [{ messages: [USER, ASSISTANT] }]);
    const data = { [split]: file(`${task}.jsonl`, [row]) };
    return await checkSpecFiles(parseSpec({ ...specWith('mix/newData', newData), evaluate: { tasks: [{ task, data, numFewshot: 0 }] } }), {
      env: ENV,
    });
  }

  it.each([
    ['mmlu_pro', 'test', mmlu],
    ['gpqa', 'train', gpqa],
    ['ifeval', 'train', ifeval],
    ['math_level_5', 'test', math],
  ])('of %s is counted when it has the columns of the dataset', async (task, split, row) => {
    const { errors, counts } = await check(task, split, row);
    expect([errors, counts.evaluationDocuments]).toEqual([[], { [task]: 1 }]);
  });

  it.each([
    ['mmlu_pro', 'test', { ...mmlu, answer: 'D' }, 'answer is "D" where a letter from A to C, one for each option belongs'],
    ['mmlu_pro', 'test', { ...mmlu, options: 'a' }, 'options is "a" where a list belongs'],
    ['gpqa', 'train', { ...gpqa, 'Incorrect Answer 3': undefined }, '["Incorrect Answer 3"] is nothing where a text belongs'],
    [
      'ifeval',
      'train',
      { ...ifeval, kwargs: [{}, {}] },
      'kwargs is a list of 2 where one entry for each of the 1 in instruction_id_list belongs',
    ],
    ['math_level_5', 'test', { ...math, solution: '' }, 'solution is an empty text where a text that is not empty belongs'],
  ])('of %s with a wrong column says which', async (task, split, row, reason) => {
    const { errors } = await check(task, split, row);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`evaluate.tasks[0].data.${split}: got `);
    expect(errors[0]).toContain(`line 1: ${reason}, expected rows in the schema of ${task}`);
  });

  it('of MATH without a problem of level 5 has nothing to measure', async () => {
    const { errors } = await check('math_level_5', 'test', { ...math, level: 'Level 4' });
    expect(errors).toEqual([expect.stringContaining('without a row that counts')]);
  });
});

describe('what else a spec points to', () => {
  const newData = file('new-only.jsonl', [{ messages: [USER, ASSISTANT] }]);

  it('is missing when an API key is not set, and only for models that are used', async () => {
    const spec = parseSpec(specWith('mix/newData', newData));
    const sentence =
      'models.other.apiKeyEnv: got OTHER_API_KEY, which is not set here, expected an environment variable that holds the API key; set it in this shell and for the workers.';
    expect((await checkSpecFiles(spec, { env: {} })).errors).toEqual([sentence]);
    expect((await checkSpecFiles(spec, { env: { OTHER_API_KEY: '' } })).errors).toEqual([sentence]);
    spec.synthesis.respond.generators = ['target'];
    spec.synthesis.judge.judges = ['target'];
    const unused = await checkSpecFiles(spec, { env: {} });
    expect(unused.errors).toEqual([]);
    expect(unused.warnings).toContain('models.other: no stage uses this model.');
  });

  it('is a directory with a config.json where weights are a path', async () => {
    const weights = join(folder, 'weights');
    const spec = { ...specWith('mix/newData', newData), target: { model: 'target', weights } };
    const errors = async (): Promise<readonly string[]> => (await checkSpecFiles(parseSpec(spec), { env: ENV })).errors;
    expect(await errors()).toEqual([
      expect.stringMatching(/^target\.weights: got ".+" \(there is no such file\), expected a directory with config\.json/),
    ]);
    mkdirSync(weights);
    expect(await errors()).toEqual([expect.stringContaining('a directory without config.json, expected')]);
    writeFileSync(join(weights, 'config.json'), '{}');
    expect(await errors()).toEqual([]);
  });
});
