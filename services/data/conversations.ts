import { writeFile } from 'node:fs/promises';
import type { Conversation } from '../../method/records';
import { replaceFile } from '../store/artifact-store';
import { jsonChunks } from './jsonl-text';

/** Writes conversations as the trainer and the evaluator read them, one JSON object a line; never as one text, which may be longer than any string. Returns the path. */
export async function writeConversations(path: string, rows: readonly Conversation[]): Promise<string> {
  const objects = rows.map(({ id, messages, tools, cut = false }) => ({
    id,
    messages,
    ...(tools === undefined ? {} : { tools }),
    ...(cut ? { cut } : {}),
  }));
  await replaceFile(path, async (temporary) => await writeFile(temporary, jsonChunks([objects])));
  return path;
}
