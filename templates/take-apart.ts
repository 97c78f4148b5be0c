import { MethodError } from '../method/method-error';
import type { Message } from '../method/records';
import type { AddedToken, TokenizerFacts } from './read-template';
import { renderChat, type ChatRendering } from './render-chat';
import { THOUGHT_TAGS } from './thought-tags';
import { commonEnd, firstMark, isThoughtMark, tokensIn } from './turn-marks';

/** Texts that no template changes, and that no template contains. */
const FIRST = 'Zq7uZqFirst';
const REPLY = 'Zq7aZqReply';
const SECOND = 'Zq7uZqSecond';

/** What a chat template puts around texts. */
export interface TemplateParts {
  readonly preQuery: string;
  readonly defaultSystem?: string;
  readonly generationPrompt: string;
  readonly gap: string;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly headers: readonly string[];
}

/** What stands before and after the text of the first user's message, with the header of the reply. */
export interface AroundUser {
  readonly before: string;
  readonly after: string;
}

/**
 * What a template puts around a user's first message.
 * @param options.system text of a system message before it
 * @throws {MethodError} when the template refuses it, or does not write its text once and whole
 */
export function aroundUser(
  rendering: ChatRendering,
  options: { readonly addGenerationPrompt: boolean; readonly system?: string; readonly variables?: Readonly<Record<string, unknown>> },
): AroundUser {
  const system: Message[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  const text = renderChat(rendering, [...system, { role: 'user', content: FIRST }], options);
  const [before, after, ...more] = text.split(FIRST);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new MethodError(`the chat template writes a user's message ${after === undefined ? 'not at all' : `${more.length + 1} times`}`);
  }
  return { before, after };
}

/**
 * Takes a chat template apart by rendering messages whose texts are known: what stands before the user's text is the pre-query
 * template, what follows says how turns end and begin.
 * @throws {MethodError} when the template refuses a single user's message, or puts nothing before it
 */
export function takeApart(
  facts: Pick<TokenizerFacts, 'chatTemplate' | 'variables' | 'tokens' | 'ends'> & { readonly date?: string },
): TemplateParts {
  const { tokens, ends, variables } = facts;
  const { before: preQuery, after: generationPrompt } = aroundUser(facts, { addGenerationPrompt: true });
  if (preQuery === '') throw new MethodError("the chat template puts nothing before a user's text, so there is nothing to extract with");
  const known = [...tokens, ...Object.values(variables).map((text) => ({ text, id: null, special: true }))];
  const closing = aroundUser(facts, { addGenerationPrompt: false }).after;
  const opening = generationPrompt.startsWith(closing) ? generationPrompt.slice(closing.length) : generationPrompt;
  const turns = secondTurn(facts);
  const userHeader =
    turns === undefined ? undefined : headerOf(preQuery, turns.toSecond, known, [...ends, firstMark(closing, tokens), closing.trim()]);

  // What ends a user's turn comes first: of all stop strings an API takes four.
  const marks = [firstMark(generationPrompt, tokens), ...ends, firstMark(opening, tokens), firstMark(userHeader ?? '', tokens)];
  const stop = unique(marks).filter((mark) => !isThoughtMark(mark));
  const structure = `${generationPrompt}${turns?.toSecond ?? ''}`;
  const bos = variables['bos_token'] ?? '';
  const inside = tokensIn(structure, tokens).filter(({ text }) => !isThoughtMark(text));
  const headers = unique([...stop, ...inside.map(({ text }) => text)]).filter((mark) => mark !== bos || stop.includes(mark));
  const ids = new Map(tokens.map(({ text, id }) => [text, id]));
  const system = userHeader === undefined ? '' : preQuery.slice(0, preQuery.length - userHeader.length);
  const defaultSystem = system.startsWith(bos) && !stop.includes(bos) ? system.slice(bos.length) : system;
  const words = tokens.reduce((rest, { text }) => rest.replaceAll(text, ''), defaultSystem).trim(); // GLM begins with two tokens more
  return {
    preQuery,
    ...(words === '' ? {} : { defaultSystem }),
    generationPrompt,
    gap: gapOf(generationPrompt, turns?.toReply),
    stop,
    stopTokenIds: headers.flatMap((mark) => ids.get(mark) ?? []),
    headers,
  };
}

interface SecondTurn {
  /** Between the first user's text and the reply's. */
  readonly toReply: string;
  /** Between the reply's text and the second user's. */
  readonly toSecond: string;
}

/** What stands between the texts of two turns; undefined where the template refuses them or drops a text. */
function secondTurn(rendering: ChatRendering): SecondTurn | undefined {
  const messages: Message[] = [
    { role: 'user', content: FIRST },
    { role: 'assistant', content: REPLY },
    { role: 'user', content: SECOND },
  ];
  let text: string;
  try {
    text = renderChat(rendering, messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof MethodError) return undefined;
    throw error;
  }
  const parts = new RegExp(`${FIRST}(.*)${REPLY}(.*)${SECOND}`, 's').exec(text);
  return parts === null ? undefined : { toReply: parts[1]!, toSecond: parts[2]! };
}

/** The user's header: what the first turn and a later one have in common, without the end of what came before. */
function headerOf(preQuery: string, toSecond: string, tokens: readonly AddedToken[], ends: readonly (string | undefined)[]): string {
  const common = preQuery.length - commonEnd(preQuery, toSecond).length;
  // Two tokens may end alike, as `<s>` and `</s>` do: a header begins with a whole one.
  const cut = tokens.flatMap(({ text }) => placesOf(text, preQuery)).find(([start, end]) => start < common && end > common);
  const from = cut?.[1] ?? common;
  const after = unique(ends)
    .flatMap((mark) => placesOf(mark, preQuery).map(([, end]) => end))
    .filter((end) => end > from && preQuery.slice(end).trim() !== '');
  const header = preQuery.slice(Math.max(from, ...after)).trimStart();
  // Nor with the end of a tag that is no token: `>` of `</system>\n<user>`.
  return header.replace(/^[^<[\s]*[>\]]\s+(?=\S)/, '');
}

/** Where a mark stands in a text: starts and ends. */
function placesOf(mark: string, text: string): [number, number][] {
  const places: [number, number][] = [];
  if (mark === '') return places;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) places.push([at, at + mark.length]);
  return places;
}

/**
 * What stands between the header of a reply and its text in a conversation, where the header alone does not end with it: white space, or
 * what an answer without thoughts begins with, as gpt-oss's `<|channel|>final<|message|>`.
 */
function gapOf(generationPrompt: string, toReply: string | undefined): string {
  if (toReply?.startsWith(generationPrompt) !== true) return '';
  const gap = toReply.slice(generationPrompt.length);
  return THOUGHT_TAGS.flat().some((tag) => gap.includes(tag)) ? '' : gap;
}

function unique(marks: readonly (string | undefined)[]): string[] {
  return [...new Set(marks.filter((mark) => mark !== undefined && mark.trim() !== ''))] as string[];
}
