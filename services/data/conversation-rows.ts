import type { ConversationSchema } from '../../config/replay-sets';
import { showValue } from '../../config/spec-errors';
import type { Conversation } from '../../method/records';
import type { RowProblem } from './data-rows';
import { given, isMapping, refuse, RowError } from './row-error';
import { shapeOf, turnsOf } from './row-shapes';
import { toolsOf } from './tool-turns';
import { messagesOf } from './turns';

/** Columns beside the conversation that change what it says, and are not taken. */
const REFUSED_COLUMNS: Readonly<Record<string, string>> = {
  functions: 'tools, its newer form,',
  images: 'text alone',
  videos: 'text alone',
  audios: 'text alone',
};

export type RowConversation =
  | { readonly conversation: Omit<Conversation, 'id'>; readonly problem?: undefined }
  | { readonly conversation?: undefined; readonly problem: RowProblem };

/**
 * The conversation of one row of new data. What is not taken is a problem, never left out of it: a row is trained as it stands or
 * not at all. Keys that say nothing about the conversation are ignored.
 * @param schema how the row holds it; null: its columns tell
 */
export function conversationOf(row: unknown, schema: ConversationSchema | null): RowConversation {
  try {
    if (!isMapping(row)) return { problem: { path: 'row', value: showValue(row), expected: 'a mapping' } };
    for (const [column, expected] of Object.entries(REFUSED_COLUMNS)) {
      const value = given(row, column);
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) refuse(column, value, expected);
    }
    const { turns, path } = turnsOf(row, schema ?? shapeOf(row));
    const messages = messagesOf(turns, path);
    const tools = toolsOf(given(row, 'tools'), 'tools');
    return { conversation: { messages, ...(tools === undefined ? {} : { tools }) } };
  } catch (error) {
    if (error instanceof RowError) return { problem: error.problem };
    throw error;
  }
}

/** Whether a conversation says more than who said what: releases before this one read the same file otherwise. */
export function saysMore({ messages, tools }: Omit<Conversation, 'id'>): boolean {
  return tools !== undefined || messages.some((message) => Object.keys(message).length > 2);
}
