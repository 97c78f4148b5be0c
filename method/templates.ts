import { MethodError } from './method-error';
import { nearestNames } from './nearest-names';
import type { Message } from './records';
import { rolesOf } from './run-on';
import { ALIASES, CATALOG, type CatalogEntry, type Layout } from './template-catalog';

/** The name of a template that the user wrote out. */
const LITERAL_NAME = 'literal';

/** A chat format as the pipeline uses it. */
export interface ChatTemplate {
  /** Catalogue name, or `literal`. */
  readonly name: string;
  /** Text of the BOS token that the tokenizer adds by itself; null when it adds none; undefined when not known. */
  readonly bos: string | null | undefined;
  /** The bare pre-query template: all that stands before the user's text (paper, section 3.1, step 1). */
  readonly preQuery: string;
  /** Strings that end a turn, four at most. */
  readonly stop: readonly string[];
  /** Where another turn begins in text that ran on. */
  readonly headers: readonly string[];
  /** Special tokens that are no part of anybody's text. */
  readonly specialTokens: readonly string[];
  /** All that must not come of a text: special tokens, other tokens that are markup, and headers of turns. */
  readonly structure: readonly string[];
  /** Whether `structure` has all tokens of the tokenizer, which was read. */
  readonly knowsTokens?: boolean;
  /** It was read from the model itself, so that it may open thoughts at the end of a prompt. */
  readonly isRead?: boolean;
  /** Names of roles that stand beside special tokens in headers: what is left of a header where a server drops these. */
  readonly roles?: readonly string[];
  /** Ids of the tokens among `stop` and `headers`, where the tokenizer is known. */
  readonly stopTokenIds?: readonly number[];
  /** What it renders is the whole prompt, to which the server must add nothing, although the tokenizer would. */
  readonly isWhole?: boolean;
  /**
   * The whole raw prompt up to where the assistant's text begins, then `assistantPrefix`.
   * @throws {MethodError} when the messages are not [system], user, assistant, …, user; or for a literal template.
   */
  readonly renderPrompt: (messages: readonly Message[], options?: RenderOptions) => string;
}

export interface RenderOptions {
  /** The assistant's first words, which the model is to continue. */
  readonly assistantPrefix?: string;
  /** Turns thoughts off or on, where the model's own chat template has a switch for it; the catalogue's formats have none. */
  readonly thinking?: 'off' | 'on';
  /** Variables of a model's own chat template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A format that the catalogue does not have: enough to extract with, not to render conversations. */
export interface LiteralTemplate {
  readonly preQuery: string;
  readonly bos?: string | null;
  readonly stop?: readonly string[];
  readonly headers?: readonly string[];
  readonly specialTokens?: readonly string[];
}

/** Every name that {@link resolveTemplate} knows, sorted, aliases included. */
export function templateNames(): string[] {
  return [...Object.keys(CATALOG), ...Object.keys(ALIASES)].sort();
}

/**
 * The format of that name, or the literal one.
 * @throws {MethodError} for an unknown name, with the nearest known ones, or an unusable literal.
 */
export function resolveTemplate(nameOrLiteral: string | LiteralTemplate): ChatTemplate {
  if (typeof nameOrLiteral !== 'string') return fromLiteral(nameOrLiteral);
  const wanted = nameOrLiteral.toLowerCase();
  const name = Object.hasOwn(ALIASES, wanted) ? ALIASES[wanted]! : wanted;
  const entry = Object.hasOwn(CATALOG, name) ? CATALOG[name] : undefined;
  if (entry === undefined) throw unknownTemplate(nameOrLiteral);
  return fromCatalog(name, entry);
}

function unknownTemplate(name: string): MethodError {
  const known = templateNames();
  const near = nearestNames(name, known);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known are ${known.join(', ')}.`;
  return new MethodError(`the template "${name}" is unknown; ${hint} A literal {preQuery, stop} works for any model`);
}

function fromCatalog(name: string, { layout, preQuery, systemInPreQuery = false }: CatalogEntry): ChatTemplate {
  const system = systemInPreQuery ? systemTurn(layout, layout.defaultSystem) : '';
  const specialTokens = [...new Set([...layout.stop, ...(layout.special ?? [])])].filter(looksSpecial);
  return {
    name,
    bos: layout.bos,
    preQuery: preQuery ?? `${layout.bos ?? ''}${system}${layout.user.open}`,
    stop: layout.stop,
    headers: layout.headers,
    specialTokens,
    structure: [...new Set([...specialTokens, ...layout.stop, ...layout.headers])],
    roles: rolesOf([layout.assistant.open, layout.user.open], [...specialTokens, ...layout.stop]),
    renderPrompt: (messages, options = {}) => render(layout, messages, options),
  };
}

/** Plain words such as `User:` delimit turns in some families, but are legitimate inside a text. */
function looksSpecial(token: string): boolean {
  return /^[<[]\S*[>\]]$/.test(token);
}

function fromLiteral(literal: LiteralTemplate): ChatTemplate {
  if (literal.preQuery === '') {
    throw new MethodError("the literal template has an empty preQuery; give what stands before the user's text");
  }
  const stop = literal.stop ?? [];
  if (stop.includes('')) throw new MethodError('the literal template has an empty stop string; remove it');
  if (stop.length > 4) {
    throw new MethodError(`the literal template has ${stop.length} stop strings; the API takes at most 4`);
  }
  return {
    name: LITERAL_NAME,
    bos: literal.bos,
    preQuery: literal.preQuery,
    stop,
    headers: literal.headers ?? [],
    specialTokens: literal.specialTokens ?? stop.filter(looksSpecial),
    structure: [...new Set([...(literal.specialTokens ?? []), ...stop, ...(literal.headers ?? [])])],
    renderPrompt() {
      throw new MethodError(
        `a literal template says how to extract, not how to write a conversation; name one of ${templateNames().join(', ')}`,
      );
    },
  };
}

function systemTurn(layout: Layout, content: string | undefined): string {
  if (content === undefined || 'joinToFirstUser' in layout.system) return '';
  return `${layout.system.open}${content}${layout.system.close}`;
}

function render(layout: Layout, messages: readonly Message[], { assistantPrefix }: RenderOptions): string {
  checkRoles(messages);
  const text = (message: Message): string => (layout.trims ? message.content.trim() : message.content);
  const first = messages[0]!;
  const system = first.role === 'system' ? text(first) : layout.defaultSystem;
  let toFirstUser = '';
  if (system !== undefined && 'joinToFirstUser' in layout.system) {
    const { open, close } = layout.system.joinToFirstUser;
    toFirstUser = `${open}${system}${close}`;
  }
  let prompt = (layout.bos ?? '') + systemTurn(layout, system);
  for (const message of messages) {
    if (message.role === 'user') {
      prompt += layout.user.open + toFirstUser + text(message) + layout.user.close;
      toFirstUser = '';
    } else if (message.role === 'assistant') {
      prompt += layout.assistant.open + (layout.gap ?? '') + text(message) + layout.assistant.close;
    }
  }
  prompt += layout.assistant.open;
  return assistantPrefix === undefined || assistantPrefix === '' ? prompt : prompt + (layout.gap ?? '') + assistantPrefix;
}

/** @throws {MethodError} when the messages are not [system], user, assistant, …, user */
export function checkRoles(messages: readonly Message[]): void {
  const start = messages[0]?.role === 'system' ? 1 : 0;
  messages.slice(start).forEach((message, offset) => {
    const expected = offset % 2 === 0 ? 'user' : 'assistant';
    if (message.role !== expected) {
      throw new MethodError(
        `message ${start + offset} has the role ${message.role} where ${expected} belongs; ` +
          'a prompt is an optional system message, then user and assistant in turn',
      );
    }
  });
  if (messages.at(-1)?.role !== 'user') {
    throw new MethodError("the last message is not the user's; to begin the reply for the model, give assistantPrefix");
  }
}

/**
 * What a server does with a raw prompt. `flag`: it adds a BOS unless the request says `add_special_tokens: false`
 * (vLLM's /v1/completions). `adds`: it adds one, and no request can stop it. `verbatim`: it adds none.
 */
export type BosHandling = 'flag' | 'adds' | 'verbatim';

export interface BosQuestion {
  readonly prompt: string;
  readonly template: Pick<ChatTemplate, 'name' | 'bos' | 'isWhole'>;
  /** `flag` unless the endpoint is known to be otherwise. */
  readonly handling?: BosHandling;
}

/** How to send a raw prompt so that the model sees exactly one BOS. */
export interface BosDecision {
  readonly prompt: string;
  /** Send as `add_special_tokens`; absent: send nothing. */
  readonly addSpecialTokens?: boolean;
  /** What the report should say. */
  readonly warning?: string;
}

const KNOWN_BOS = [...new Set(Object.values(CATALOG).map(({ layout }) => layout.bos))].filter((bos) => bos !== null);

/**
 * Decides how to send a raw prompt whose text may begin with the BOS token that the server adds as well. A doubled BOS
 * is no error to any server, only a prompt that the model has never seen in training.
 */
export function checkBos({ prompt, template, handling = 'flag' }: BosQuestion): BosDecision {
  // A literal template need not know its tokenizer: then any family's BOS at the start counts as one.
  const unknown = template.bos === undefined || (template.bos === null && template.name === LITERAL_NAME);
  const bos = unknown ? KNOWN_BOS.find((text) => prompt.startsWith(text)) : template.bos;
  if (bos === undefined || bos === null || bos === '') return { prompt };

  let body = prompt;
  let count = 0;
  while (body.startsWith(bos)) {
    body = body.slice(bos.length);
    count++;
  }
  const doubled = count > 1 ? `the prompt began with ${count} times ${bos}; one was kept` : undefined;

  if (count === 0) {
    if (template.isWhole === true && handling === 'flag') return { prompt, addSpecialTokens: false };
    return handling === 'verbatim'
      ? { prompt, warning: `the prompt does not begin with ${bos} and the server adds none; put it into the template` }
      : { prompt };
  }
  if (handling === 'flag') return { prompt: bos + body, addSpecialTokens: false, warning: doubled };
  if (handling === 'verbatim') return { prompt: bos + body, warning: doubled };
  return { prompt: body, warning: `the server adds ${bos} by itself, so the one in the prompt of template ${template.name} was removed` };
}
