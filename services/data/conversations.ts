import { writeFile } from 'node:fs/promises';
import type { Conversation, Message } from '../../method/records';
import { replaceFile } from '../store/artifact-store';
import { conversationProblem } from './data-rows';
import { readJsonLines } from './json-lines';
import { jsonChunks } from './jsonl-text';

/**
 * The new SFT data: one `{"messages": [...]}` a line, empty lines skipped. Ids are line numbers, `n0000001`.
 * @throws Error that names the file and the line, should the file have changed since it was checked
 */
export async function readConversations(path: string): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for await (const { line, row } of readJsonLines(path)) {
    const problem = conversationProblem(row);
    if (problem !== null) throw new Error(`${path} line ${line}: ${problem.path} is ${problem.value} where ${problem.expected} belongs`);
    const { messages } = row as { readonly messages: readonly Message[] };
    rows.push({ id: `n${String(line).padStart(7, '0')}`, messages: messages.map(({ role, content }) => ({ role, content })) });
  }
  return rows;
}

/** Writes conversations as the trainer and the evaluator read them, one JSON object a line; never as one text, which may be longer than any string. Returns the path. */
export async function writeConversations(path: string, rows: readonly Conversation[]): Promise<string> {
  const objects = rows.map(({ id, messages, cut = false }) => ({ id, messages, ...(cut ? { cut } : {}) }));
  await replaceFile(path, async (temporary) => await writeFile(temporary, jsonChunks([objects])));
  return path;
}
