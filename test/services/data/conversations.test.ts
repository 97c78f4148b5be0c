import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeConversations } from '../../../services/data/conversations';
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
