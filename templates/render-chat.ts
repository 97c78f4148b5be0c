import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { MethodError } from '../method/method-error';
import type { Message } from '../method/records';
import { strftime } from './strftime';

/** What a template is rendered from. */
export interface ChatRendering {
  readonly chatTemplate: string;
  readonly variables: Readonly<Record<string, string>>;
  /** `YYYY-MM-DD`, what `strftime_now` tells. */
  readonly date?: string;
  /** Of the template, where it is rendered many times; see {@link programOf}. */
  readonly program?: () => object;
}

export interface RenderChatOptions {
  /** End with the header of the assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** Further variables, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** More than a conversation needs; a template that asks for more does not end. */
const LONGEST_RANGE = 100_000;

/** A template, parsed when it is first rendered and then kept: to parse takes ten times as long as to render. */
export function programOf(chatTemplate: string): () => object {
  let program: object | undefined;
  return () => (program ??= parse(tokenize(chatTemplate.replace(/\r\n?/g, '\n'), { lstrip_blocks: true, trim_blocks: true })) as object);
}

/** Whether a template asks for the date. */
export function asksForDate(chatTemplate: string): boolean {
  return /\bstrftime_now\b/.test(chatTemplate);
}

/**
 * Renders a conversation as `apply_chat_template` of transformers does: the same globals, blocks trimmed, contents as they are. Thoughts
 * of a message have the names under which transformers passes them on.
 * @throws {MethodError} when the template refuses the conversation, or cannot be read or rendered
 */
export function renderChat(
  { chatTemplate, variables, date, program = programOf(chatTemplate) }: ChatRendering,
  messages: readonly Message[],
  { addGenerationPrompt, variables: more = {} }: RenderChatOptions,
): string {
  const given: Readonly<Record<string, unknown>> = {
    false: false,
    true: true,
    none: null,
    False: false,
    True: true,
    None: null,
    tools: null,
    documents: null,
    ...variables,
    ...more,
    messages: messages.map(withThoughts),
    add_generation_prompt: addGenerationPrompt,
    raise_exception: (message: unknown): never => {
      throw new MethodError(`it says "${String(message)}"`);
    },
    range,
    strftime_now: (format: string): string => {
      if (date === undefined) throw new MethodError('it asks for the date, and there is none');
      return strftime(date, format);
    },
  };
  try {
    const environment = new Environment();
    for (const [name, value] of Object.entries(given)) environment.set(name, value);
    const text: unknown = new Interpreter(environment).run(program()).value;
    return typeof text === 'string' ? text : '';
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new MethodError(`the chat template refuses ${messages.map(({ role }) => role).join(', ')}: ${said}`, { cause });
  }
}

/** Thoughts under all the names that templates read, as transformers passes them on. */
function withThoughts(message: Message): object {
  const given: Readonly<Record<string, unknown>> = { ...message };
  const thoughts = given['reasoning_content'] ?? given['thinking'] ?? given['reasoning'] ?? null;
  return thoughts === null ? given : { thinking: thoughts, ...given, reasoning_content: thoughts };
}

function range(first: number, end?: number, step = 1): number[] {
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new MethodError(`it counts to ${length}`);
  return Array.from({ length }, (_, index) => start + index * step);
}
