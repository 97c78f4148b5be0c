import type { MixtureRow } from '../../method/records';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';

/** Limits of the OpenAI API: https://platform.openai.com/docs/guides/supervised-fine-tuning and its reference of files. */
const FILE_LIMITS = { examples: 10, bytes: 512 * 1024 * 1024 } as const;

const MOST_TOLD = 3;

/**
 * The mixture as the API wants it: one `{"messages": […]}` a line, with `tools` where there are some, nothing else, since it refuses other keys. Answers that were cut
 * are left out: the API trains every answer to its end, and they have none.
 * @throws PermanentEndpointError for what the API would refuse, before anything is sent
 */
export function trainingFile(
  mixture: readonly MixtureRow[],
  limits: { readonly examples: number; readonly bytes: number } = FILE_LIMITS,
): Buffer {
  const rows = mixture.filter(({ cut = false }) => !cut);
  const leftOut = mixture.length === rows.length ? '' : `, without ${mixture.length - rows.length} with an answer that was cut,`;
  if (rows.length < limits.examples) {
    throw new PermanentEndpointError(
      `the mixture${leftOut} has ${rows.length} ${rows.length === 1 ? 'example' : 'examples'} where the fine-tuning API wants at least ${limits.examples}; extract more instructions, or add new data`,
    );
  }
  const problems = rows.flatMap(({ id, messages }) => {
    const problem = messagesProblem(messages);
    return problem === undefined ? [] : [`${id} ${problem}`];
  });
  if (problems.length > 0) {
    const more = problems.length > MOST_TOLD ? `, and ${problems.length - MOST_TOLD} more` : '';
    throw new PermanentEndpointError(
      `the fine-tuning API would refuse ${problems.length} of ${rows.length} examples of the mixture: ${problems.slice(0, MOST_TOLD).join('; ')}${more}; fix the new data`,
    );
  }
  const file = Buffer.concat(
    rows.map(({ messages, tools }) =>
      Buffer.from(`${JSON.stringify({ messages: messages.map(apiMessage), ...(tools === undefined ? {} : { tools }) })}\n`),
    ),
  );
  if (file.byteLength > limits.bytes) {
    throw new PermanentEndpointError(
      `the training file has ${file.byteLength} bytes where the fine-tuning API takes ${limits.bytes}; lower mix.maxExamples`,
    );
  }
  return file;
}

/** A message in the API's own keys: arguments as JSON text, weight 0 for an answer that is not trained. */
function apiMessage({ role, content, tool_calls: calls, tool_call_id: answered, train = true }: MixtureRow['messages'][number]) {
  return {
    role,
    content,
    ...(calls === undefined
      ? {}
      : {
          tool_calls: calls.map(({ function: called, ...call }) => ({
            ...call,
            function: { ...called, arguments: JSON.stringify(called.arguments) },
          })),
        }),
    ...(answered === undefined ? {} : { tool_call_id: answered }),
    ...(train ? {} : { weight: 0 }),
  };
}

const ROLES: ReadonlySet<string> = new Set(['system', 'user', 'assistant', 'tool']);

function messagesProblem(messages: MixtureRow['messages']): string | undefined {
  if (messages.length === 0) return 'has no message';
  for (const [index, { role, content, tool_calls: calls, tool_call_id: answered, reasoning_content: thoughts }] of messages.entries()) {
    if (!ROLES.has(role)) return `has the role ${JSON.stringify(role)}`;
    if (role === 'system' && index > 0) return 'has a system message that is not its first';
    if (thoughts !== undefined) return 'has thoughts (reasoning_content), which it does not take';
    if (calls?.some(({ id }) => id === undefined) || (role === 'tool' && answered === undefined)) return 'has a tool call without an id';
    if (calls !== undefined || role === 'tool') continue;
    if (typeof content !== 'string' || content.trim() === '') return `has an empty ${role} message`;
  }
  return messages.at(-1)?.role === 'assistant' ? undefined : 'does not end with the assistant';
}
