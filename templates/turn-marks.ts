import type { AddedToken } from './read-template';

/** Markup that stands for itself whether or not it is a token: `<|user|>` of Zephyr, `[INST]` of the first Mistral. */
const MARKUP = /^(?:<[^<>\s]{1,60}>|\[[^[\]\s]{1,60}\])/;
/** A header in plain words, such as `Assistant:` or `### Instruction:`. */
const WORDS = /^[^\n]{1,60}/;

/**
 * The first mark of a piece of structure that begins or ends a turn: its first token, its first piece of markup, or its first words,
 * then with one white space before, without which such words may stand in any text.
 */
export function firstMark(structure: string, tokens: readonly AddedToken[]): string | undefined {
  const text = structure.trimStart();
  if (text === '') return undefined;
  const token = tokens.filter(({ text: own }) => own !== '' && text.startsWith(own)).sort((a, b) => b.text.length - a.text.length)[0];
  if (token !== undefined) return token.text;
  const markup = MARKUP.exec(text)?.[0];
  if (markup !== undefined) return markup;
  const words = WORDS.exec(text)?.[0].trimEnd() ?? '';
  if (words === '') return undefined;
  const blanks = structure.slice(0, structure.length - text.length);
  return `${blanks === '' ? '\n' : blanks}${words}`;
}

/** Special tokens in a piece of structure, each once, in their order there. */
export function tokensIn(structure: string, tokens: readonly AddedToken[]): AddedToken[] {
  return tokens
    .filter(({ special, text }) => special && text !== '' && structure.includes(text))
    .sort((a, b) => structure.indexOf(a.text) - structure.indexOf(b.text));
}

/** The longest text that both end with. */
export function commonEnd(a: string, b: string): string {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)) length++;
  return a.slice(a.length - length);
}

/** Markup of thoughts, in the templates of those who have a tag for it. */
export function isThoughtMark(text: string): boolean {
  return /think|thought|reason|channel/i.test(text);
}
