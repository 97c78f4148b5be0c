import type { SchemaElement } from 'hyparquet';
import type { Message } from '../method/records';

/** How a published row holds its conversation: the three that trainers read. */
export const DATASET_SHAPES = ['messages', 'sharegpt', 'alpaca'] as const;
export type DatasetShape = (typeof DATASET_SHAPES)[number];

/** A row to be published: its conversation, and what else is known of it. */
export interface PublishedRow {
  readonly id: string;
  readonly messages: readonly Message[];
  /** Further columns of text, numbers or truth values, the same for every row of a data set. */
  readonly extra: Readonly<Record<string, string | number | boolean>>;
}

const SPEAKERS = { system: 'system', user: 'human', assistant: 'gpt', tool: 'observation' } as const;

/** A row's columns in a shape; undefined where the shape cannot hold it: Alpaca knows a single turn only, none knows tools and thoughts. */
export function shapeRow({ id, messages, extra }: PublishedRow, shape: DatasetShape): Record<string, unknown> | undefined {
  if (messages.some((message) => message.role === 'tool' || message.tool_calls !== undefined || message.reasoning_content !== undefined)) {
    return undefined;
  }
  switch (shape) {
    case 'messages':
      return { id, messages: messages.map(({ role, content }) => ({ role, content })), ...extra };
    case 'sharegpt':
      return { id, conversations: messages.map(({ role, content }) => ({ from: SPEAKERS[role], value: content })), ...extra };
    case 'alpaca': {
      const [user, assistant, more] = messages;
      if (user?.role !== 'user' || assistant?.role !== 'assistant' || more !== undefined) return undefined;
      return { id, instruction: user.content, input: '', output: assistant.content, ...extra };
    }
  }
}

/** The Parquet schema of a shape, conversations as a real list of structures rather than JSON text. */
export function shapeSchema(shape: DatasetShape, extra: PublishedRow['extra']): SchemaElement[] {
  const conversation = {
    messages: [list('messages', ['role', 'content'])],
    sharegpt: [list('conversations', ['from', 'value'])],
    alpaca: ['instruction', 'input', 'output'].map((name) => [text(name)]),
  }[shape];
  const others = Object.entries(extra).map(([name, value]) =>
    typeof value === 'number' ? number(name) : typeof value === 'boolean' ? truth(name) : text(name),
  );
  return [{ name: 'root', num_children: 1 + conversation.length + others.length }, text('id'), ...conversation.flat(), ...others];
}

function text(name: string): SchemaElement {
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' };
}

function number(name: string): SchemaElement {
  return { name, type: 'DOUBLE', repetition_type: 'OPTIONAL' };
}

function truth(name: string): SchemaElement {
  return { name, type: 'BOOLEAN', repetition_type: 'OPTIONAL' };
}

/** A list of structures of text, in the three levels that the format asks for. */
function list(name: string, fields: readonly string[]): SchemaElement[] {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', num_children: fields.length },
    ...fields.map(text),
  ];
}
