import type { BrokenEnd, FinishReason } from './records';
import { runOnAt } from './run-on';
import type { ChatTemplate } from './templates';

/** Why a generated text cannot be used. Fixed words, so that they can be counted; of a text that broke off, how it ended. */
export type TextRejection =
  | 'empty'
  | 'truncated'
  | 'content_filter'
  | 'tool_call'
  | 'unfinished thinking'
  | 'nothing but thinking'
  | BrokenEnd;

/** A usable text, or the reason why there is none. `truncated`: kept although it was cut at the token limit. */
export type TextReading = { readonly text: string; readonly truncated: boolean } | { readonly rejected: TextRejection };

export interface TextPolicy {
  /** Keep texts that were cut at the token limit. */
  readonly acceptTruncated?: boolean;
}

/**
 * Turns what the target model wrote after its pre-query template into an instruction (paper, section 3.1, step 1).
 *
 * Cut at the first sign of another turn, since a server without the right stop strings lets the model answer itself;
 * special tokens and control characters removed; trimmed. Line breaks inside stay: many real instructions have them.
 * A text cut at the token limit is whole all the same when another turn had begun before the limit.
 */
export function cleanInstruction(
  rawText: string,
  finishReason: FinishReason,
  template: Pick<ChatTemplate, 'stop' | 'headers' | 'specialTokens' | 'roles'>,
  { acceptTruncated = false }: TextPolicy = {},
): TextReading {
  const refused = refusal(finishReason);
  if (refused !== undefined) return { rejected: refused };

  const text = stripLeading(wellFormed(rawText), template);
  const end = turnEnd(text, template);
  const turn = removeAll(text.slice(0, end ?? text.length), template.specialTokens).trim();
  if (turn === '') return { rejected: 'empty' };
  const truncated = finishReason === 'length' && end === undefined;
  return truncated && !acceptTruncated ? { rejected: 'truncated' } : { text: turn, truncated };
}

/**
 * Checks a generator's reply. It came through a chat endpoint, so its text is kept as it is but for white space around it and
 * characters that UTF-8 or a file cannot hold.
 */
export function checkResponse(text: string, finishReason: FinishReason, { acceptTruncated = true }: TextPolicy = {}): TextReading {
  const refused = refusal(finishReason);
  if (refused !== undefined) return { rejected: refused };
  const response = wellFormed(text).trim();
  if (response === '') return { rejected: 'empty' };
  const truncated = finishReason === 'length';
  return truncated && !acceptTruncated ? { rejected: 'truncated' } : { text: response, truncated };
}

/** Whether a reply ended in a way that no text can be trusted to be whole after. */
export function isBroken(finishReason: FinishReason): finishReason is BrokenEnd {
  return finishReason?.startsWith('ended: ') === true;
}

function refusal(finishReason: FinishReason): TextRejection | undefined {
  if (finishReason === 'content_filter') return 'content_filter';
  if (isBroken(finishReason)) return finishReason;
  return finishReason === 'tool_calls' || finishReason === 'function_call' ? 'tool_call' : undefined;
}

/** Line ends as `\n`; no control characters but tab and newline; half surrogate pairs, which UTF-8 lacks, as U+FFFD. */
export function wellFormed(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // oxlint-disable-next-line no-control-regex -- removing them is the point
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufeff]/g, '')
      .replace(/\p{Surrogate}/gu, '\ufffd')
  );
}

/** Special tokens before the text are leaks of the template, not the end of an empty turn. */
function stripLeading(text: string, { specialTokens, headers }: Pick<ChatTemplate, 'specialTokens' | 'headers'>): string {
  let rest = text.trimStart();
  for (;;) {
    const token = specialTokens.find((special) => rest.startsWith(special) && !headers.includes(special));
    if (token === undefined) return rest;
    rest = rest.slice(token.length).trimStart();
  }
}

function turnEnd(text: string, { stop, headers, roles = [] }: Pick<ChatTemplate, 'stop' | 'headers' | 'roles'>): number | undefined {
  const runOn = runOnAt(text, roles);
  const positions = [...[...stop, ...headers].map((mark) => text.indexOf(mark)), ...(runOn === undefined ? [] : [runOn])].filter(
    (position) => position >= 0,
  );
  return positions.length === 0 ? undefined : Math.min(...positions);
}

function removeAll(text: string, tokens: readonly string[]): string {
  const rest = tokens.reduce((remaining, token) => remaining.replaceAll(token, ''), text);
  // Taking one token out can join the halves of another.
  return rest === text ? text : removeAll(rest, tokens);
}
