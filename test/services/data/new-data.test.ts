import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSpec } from '../../../config/load-spec';
import type { RunSpec } from '../../../config/spec';
import type { Conversation } from '../../../method/records';
import { newDataIdentity, readNewData } from '../../../services/data/new-data';
import { specWith } from '../../config/valid-spec';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

const turn = (question: string, answer: string) => [
  { role: 'user' as const, content: question },
  { role: 'assistant' as const, content: answer },
];

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
}

const lines = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

function mixOf(newData: unknown): RunSpec['mix'] {
  return parseSpec(specWith('mix/newData', newData)).mix;
}

async function read(newData: unknown, seed = 1): Promise<Conversation[]> {
  return await readNewData(mixOf(newData), seed, () => Promise.reject(new Error('nothing is fetched')));
}

/** A Parquet file as other tools write it: conversations as a list of structures. */
async function parquetFile(name: string, rows: readonly (readonly { role: string; content: string }[])[]): Promise<string> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const bytes = new ByteWriter();
  const text = (key: string) => ({
    name: key,
    type: 'BYTE_ARRAY' as const,
    converted_type: 'UTF8' as const,
    repetition_type: 'OPTIONAL' as const,
  });
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'id', type: 'INT64', repetition_type: 'OPTIONAL' },
      { name: 'messages', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', num_children: 3 },
      text('role'),
      text('content'),
      text('tool_call_id'),
    ],
  });
  await writer.write({
    columnData: [
      { name: 'id', data: rows.map((_, index) => BigInt(index)) },
      { name: 'messages', data: rows.map((messages) => messages.map((message) => ({ ...message, tool_call_id: null }))) },
    ],
  });
  await writer.finish();
  return file(name, bytes.getBytes());
}

test('of one file, ids are the numbers of its lines, and other keys are left out', async () => {
  const path = file(
    'new.jsonl',
    `\uFEFF${lines({ messages: turn('q1', 'a1'), source: 'a forum' })}\n${lines({ messages: turn('q2', 'a2') })}`,
  );
  expect(await read(path)).toEqual([
    { id: 'n0000001', messages: turn('q1', 'a1') },
    { id: 'n0000003', messages: turn('q2', 'a2') },
  ]);
});

test('a JSON array and a Parquet file are read like JSON lines, row by row', async () => {
  const rows = [turn('q1', 'a1'), turn('q2', 'a2')];
  const expected = [
    { id: 'n0000001', messages: rows[0] },
    { id: 'n0000002', messages: rows[1] },
  ];
  expect(
    await read(
      file(
        'new.json',
        JSON.stringify(
          rows.map((messages) => ({ messages })),
          null,
          2,
        ),
      ),
    ),
  ).toEqual(expected);
  expect(await read(await parquetFile('new.parquet', rows))).toEqual(expected);
});

test('a Parquet file that is none, and one that is cut, is refused in one sentence', async () => {
  await expect(read(file('text.parquet', 'not parquet'))).rejects.toThrow(
    /text\.parquet: no Parquet that can be read \(.+\); write it again/,
  );
  const whole = await parquetFile('whole.parquet', [turn('q', 'a')]);
  const { readFileSync } = await import('node:fs');
  const half = file('half.parquet', readFileSync(whole).subarray(0, 60));
  await expect(read(half)).rejects.toThrow(/half\.parquet: no Parquet/);
});

test('rows tell their shape: ShareGPT, Alpaca, prompt and completion', async () => {
  const path = file(
    'new.jsonl',
    lines(
      {
        conversations: [
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      },
      { instruction: 'Translate.', input: 'Brot', output: 'Bread', system: 'Be brief.', history: [['Hi', 'Hello.']] },
      { prompt: 'q', completion: 'a' },
      { prompt: [...turn('q1', 'a1'), { role: 'user', content: 'q2' }], completion: [{ role: 'assistant', content: 'a2' }] },
    ),
  );
  expect((await read(path)).map(({ messages }) => messages)).toEqual([
    turn('q', 'a'),
    [{ role: 'system', content: 'Be brief.' }, ...turn('Hi', 'Hello.'), ...turn('Translate.\n\nBrot', 'Bread')],
    turn('q', 'a'),
    // Of a prompt, nothing is learned: TRL's prompt-completion rows.
    [{ role: 'user', content: 'q1' }, { role: 'assistant', content: 'a1', train: false }, ...turn('q2', 'a2')],
  ]);
});

test('tool calls, tools and thoughts go to the chat template as it takes them', async () => {
  const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } };
  const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } };
  const path = file(
    'new.jsonl',
    lines({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Weather ' },
            { type: 'text', text: 'in Oslo?' },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'I should look.' },
        { role: 'tool', tool_call_id: 'c1', content: '7 degrees' },
        { role: 'assistant', content: 'Cold.', weight: 1 },
        { role: 'user', content: 'Sure?' },
        { role: 'assistant', content: 'No.', weight: 0 },
      ],
      tools: [weather.function],
    }),
  );
  expect(await read(path)).toEqual([
    {
      id: 'n0000001',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather in Oslo?' },
        {
          role: 'assistant',
          content: '',
          reasoning_content: 'I should look.',
          tool_calls: [{ ...call, function: { name: 'weather', arguments: { city: 'Oslo' } } }],
        },
        { role: 'tool', content: '7 degrees', tool_call_id: 'c1', name: 'weather' },
        { role: 'assistant', content: 'Cold.' },
        { role: 'user', content: 'Sure?' },
        { role: 'assistant', content: 'No.', train: false },
      ],
      tools: [weather],
    },
  ]);
});

test('a number that JavaScript would round is refused, not trained as another one', async () => {
  const path = file(
    'new.jsonl',
    '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": {"id": 12345678901234567890}}]}]}\n',
  );
  await expect(read(path)).rejects.toThrow(/line 1: messages\[1\]\.tool_calls\[0\]\.arguments\.id is .+ where a whole number below/);
});

test('several files and sets keep their rows apart, and weights leave rows of the lighter ones out, none taken twice', async () => {
  const many = (name: string, count: number) =>
    file(name, lines(...Array.from({ length: count }, (_, index) => ({ messages: turn(`${name} ${index}`, 'a') }))));
  const newData = [
    { files: [many('a', 3), many('b', 1)], weight: 1 },
    { files: [many('c', 10)], weight: 0.5 },
  ];
  const rows = await read(newData);
  const ids = rows.map(({ id }) => id);
  expect(ids.slice(0, 4)).toEqual(['n0.0.0000001', 'n0.0.0000002', 'n0.0.0000003', 'n0.1.0000001']);
  expect(ids).toHaveLength(9);
  expect(new Set(ids).size).toBe(9);
  expect((await read(newData)).map(({ id }) => id)).toEqual(ids);
  expect((await read(newData, 2)).map(({ id }) => id)).not.toEqual(ids);
});

test('a file that has changed since its check is refused by file and line', async () => {
  const path = file('changed.jsonl', `${lines({ messages: turn('q1', 'a1') })}{"messages": [{"role": "robot", "content": "?"}]}\n`);
  await expect(read(path)).rejects.toThrow(`${path}: line 2: messages[0].role is "robot"`);
});

describe('the identity of new data', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

  test('of one file of who said what is its hash, as keys of older stores have it', async () => {
    const text = lines({ messages: turn('q', 'a'), source: 'x' });
    expect(await newDataIdentity(mixOf(file('new.jsonl', text)))).toBe(sha256(text));
  });

  test('is another one where a row says what older releases left out', async () => {
    const weighted = [{ role: 'user', content: 'q' }, { role: 'assistant', content: 'b', weight: 0 }, ...turn('q', 'a')];
    const texts = [lines({ messages: weighted }), lines({ messages: turn('q', 'a'), tools: [{ name: 'f' }] })];
    for (const text of texts) expect(await newDataIdentity(mixOf(file('new.jsonl', text)))).not.toBe(sha256(text));
  });

  test('of sets tells their files, shapes and weights apart, and not where the files lie', async () => {
    const text = lines({ messages: turn('q', 'a') });
    const [one, same] = [file('one.jsonl', text), file('same.jsonl', text)];
    const of = async (newData: unknown) => await newDataIdentity(mixOf(newData));
    const first = await of([{ files: [one] }]);
    expect(await of([{ files: [same] }])).toBe(first);
    expect(await of([{ files: [one], weight: 2 }])).not.toBe(first);
    expect(await of([{ files: [one], schema: { kind: 'messages' } }])).not.toBe(first);
    expect(await of([{ files: [one] }, { hub: 'org/set', revision: 'abc' }])).not.toBe(
      await of([{ files: [one] }, { hub: 'org/set', revision: 'abd' }]),
    );
  });
});
