import type { Conversation } from '../../method/records';
import type { RowProblem } from './data-rows';

/** What of a conversation the fine-tuning API of a provider does not take, though a chat template does. Null when all is fine. */
export function providerProblem({ messages }: Omit<Conversation, 'id'>): RowProblem | null {
  for (const [index, { reasoning_content: thoughts, tool_calls: calls, role, tool_call_id: answered }] of messages.entries()) {
    const path = `message ${index + 1}`;
    if (thoughts !== undefined) {
      return { path, value: 'an answer with thoughts', expected: 'one without, since the fine-tuning API takes none,' };
    }
    if (calls?.some(({ id }) => id === undefined) === true || (role === 'tool' && answered === undefined)) {
      return { path, value: 'a tool call without an id', expected: 'one with id and tool_call_id, as the fine-tuning API wants it,' };
    }
  }
  return null;
}
