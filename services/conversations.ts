import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { conversationProblem } from '../config/data-rows';
import type { Conversation, Message } from '../method/records';
import { replaceFile } from './artifact-store';

/**
 * The new SFT data: one `{"messages": [...]}` a line, empty lines skipped. Ids are line numbers, `n0000001`.
 * @throws Error that names the file and the line, should the file have changed since it was checked
 */
export async function readConversations(path: string): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  const input = createReadStream(path, { encoding: 'utf8' });
  let line = 0;
  try {
    for await (const raw of createInterface({ input, crlfDelay: Infinity })) {
      line++;
      const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
      if (text.trim() === '') continue;
      const row = JSON.parse(text) as { messages: Message[] };
      const problem = conversationProblem(row);
      if (problem !== null) throw new Error(`${problem.path} is ${problem.value} where ${problem.expected} belongs`);
      rows.push({ id: `n${String(line).padStart(7, '0')}`, messages: row.messages.map(({ role, content }) => ({ role, content })) });
    }
  } catch (cause) {
    throw new Error(`${path} line ${line}: ${(cause as Error).message}`, { cause });
  } finally {
    input.destroy();
  }
  return rows;
}

/** Writes conversations as the trainer and the evaluator read them, one JSON object a line. Returns the path. */
export async function writeConversations(path: string, rows: readonly Conversation[]): Promise<string> {
  const text = rows.map(({ id, messages, cut = false }) => `${JSON.stringify({ id, messages, ...(cut ? { cut } : {}) })}\n`).join('');
  await replaceFile(path, async (temporary) => await writeFile(temporary, text));
  return path;
}
