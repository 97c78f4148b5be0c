import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConversations, writeConversations } from '../../../services/data/conversations';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

const turn = (question: string, answer: string) => [
  { role: 'user' as const, content: question },
  { role: 'assistant' as const, content: answer },
];

test('what is written are JSON lines with the messages, and a mark on answers that were cut', async () => {
  const rows = [
    { id: 'a', source: 'new', messages: turn('line\u2028separator', '{"no": "structure"}\n') },
    { id: 'b', source: 'replay', messages: turn('long', 'x'.repeat(200_000)), cut: true },
  ];
  const path = await writeConversations(join(folder(), 'made', 'mixture.jsonl'), rows);
  const lines = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toEqual([
    { id: 'a', messages: rows[0]!.messages },
    { id: 'b', messages: rows[1]!.messages, cut: true },
  ]);
});

test('no rows are an empty file', async () => {
  expect(readFileSync(await writeConversations(join(folder(), 'none.jsonl'), []), 'utf8')).toBe('');
});

test('new data are read with the number of their line as id, and nothing but messages', async () => {
  const path = join(folder(), 'new.jsonl');
  writeFileSync(
    path,
    `\uFEFF${JSON.stringify({ messages: turn('q1', 'a1'), source: 'a forum' })}\n\n${JSON.stringify({ messages: turn('q2', 'a2') })}\n`,
  );
  expect(await readConversations(path)).toEqual([
    { id: 'n0000001', messages: turn('q1', 'a1') },
    { id: 'n0000003', messages: turn('q2', 'a2') },
  ]);
});

test('a file that has changed since its check is refused by file and line', async () => {
  const path = join(folder(), 'changed.jsonl');
  writeFileSync(path, `${JSON.stringify({ messages: turn('q1', 'a1') })}\n{"messages": [{"role": "robot", "content": "?"}]}\n`);
  await expect(readConversations(path)).rejects.toThrow(`${path} line 2: messages`);
});
