/** A reply without the thoughts before it. */
export interface SplitReply {
  /** What the model says; empty where it only thought. */
  readonly text: string;
  /** What it thought, without the marks around it; absent where it did not. */
  readonly reasoning?: string;
  /** The reply ends inside its thoughts. */
  readonly unfinished: boolean;
}

/**
 * The names of thoughts in angle brackets: DeepSeek, Qwen, GLM, …; Claude's habit; EXAONE Deep, Gemini; Reka; Seed; MiniMax M3; LongCat;
 * Hunyuan 3.
 */
const TAGS = 'think|thinking|thoughts?|reasoning|(?:seed|mm):think|longcat_think|think:opensource';
/** Apriel's, which are a mark only where they end a prompt. */
const OPENING_WORDS = 'Here are my reasoning steps:';
/** Marks around thoughts: the tags above, and Mistral's, Kimi's, Cohere's, OpenThinker's, Gemma 4's, Apriel's. */
const MARKS: readonly (readonly [open: string, close: string])[] = [
  [String.raw`\[THINK\]`, String.raw`\[\/THINK\]`],
  ['◁think▷', '◁/think▷'],
  [String.raw`<\|START_THINKING\|>`, String.raw`<\|END_THINKING\|>`],
  [String.raw`<\|begin_of_thought\|>`, String.raw`<\|end_of_thought\|>`],
  [String.raw`<\|channel>thought\b`, String.raw`<channel\|>`],
  [String.raw`<\|open\|>think<\|sep\|>`, String.raw`<\|close\|>think<\|sep\|>`],
  ['(?!)', String.raw`\[BEGIN FINAL RESPONSE\]`],
];
const OPEN = `<(?:${TAGS})>|${MARKS.map(([open]) => open).join('|')}`;
const CLOSE = `</(?:${TAGS})>|${MARKS.map(([, close]) => close).join('|')}`;
const MARK = new RegExp(`(?<open>${OPEN})|${CLOSE}`, 'giu');
/** At the beginning, behind what a server may have left of its template. */
const FIRST = new RegExp(String.raw`^\s*(?:<\|[^|<>\s]{1,40}\|>(?:assistant)?\s*){0,4}(?<open>${OPEN})`, 'iu');
/** Characters of a prompt's end that hold any opening mark. */
const LONGEST_END = 80;
/** So many marks are looked at: a text with more is about something else. */
const MOST_MARKS = 200;

/** What some models put around what they say after their thoughts: Cohere, OpenThinker, Apriel, Hunyuan, Granite. */
const AROUND_ANSWER: readonly (readonly [open: RegExp, close: RegExp])[] = [
  [/^\s*<\|START_RESPONSE\|>/, /<\|END_RESPONSE\|>\s*$/],
  [/^\s*<\|begin_of_solution\|>/, /<\|end_of_solution\|>\s*$/],
  [/^\s*<answer>/i, /<\/answer>\s*$/i],
  [/^\s*<response>/i, /<\/response>\s*$/i],
  [/^(?=[\s\S]*\[END FINAL RESPONSE\]\s*$)/, /\[END FINAL RESPONSE\]\s*$/],
];

/** Models that announce their thoughts in words: IBM Granite 3.2, ServiceNow Apriel. */
const IN_WORDS: readonly RegExp[] = [
  /^\s*Here(?:'s|’s| is) my thought process:(?<thoughts>[\s\S]*?)\bHere(?:'s|’s| is) my response:(?<said>[\s\S]*)$/,
  /^\s*Here are my reasoning steps:(?<thoughts>[\s\S]*?)\[BEGIN FINAL RESPONSE\](?<said>[\s\S]*?)(?:\[END FINAL RESPONSE\]|$)/,
];

/**
 * Takes a model's thoughts off its reply, where the endpoint has not done so. Thoughts stand at the beginning, in marks of their
 * own; chat formats that open them in the prompt leave the closing mark alone. An answer that talks of such marks in its middle,
 * or shows them in code, is left whole.
 * @param opened whether the prompt is known to end inside thoughts
 */
export function splitThoughts(raw: string, opened = false): SplitReply {
  const said = splitChannels(raw) ?? splitWords(raw);
  if (said !== undefined) return said;
  const thoughts: string[] = [];
  let rest = raw;
  for (let inside = opened; thoughts.length < MOST_MARKS; inside = false) {
    const first = FIRST.exec(rest);
    const from = first?.[0].length ?? 0;
    const end = first !== null || inside ? closingOf(rest, from, first?.groups?.['open']) : bareClosing(rest);
    if (end === undefined && first === null && !inside) break;
    thoughts.push(rest.slice(from, end?.index).trim());
    if (end === undefined) return { text: '', ...reasoningOf(thoughts), unfinished: true };
    rest = rest.slice(end.index + end[0].length);
  }
  return { text: thoughts.length === 0 ? raw : unwrapped(rest), ...reasoningOf(thoughts), unfinished: false };
}

/** What closes the thoughts that the end of a prompt has opened; undefined where it is not inside any. */
export function closingOfPrompt(prompt: string): string | undefined {
  if (prompt.trimEnd().endsWith(OPENING_WORDS)) return '[BEGIN FINAL RESPONSE]';
  const opened = new RegExp(String.raw`(?<open>${OPEN})\s*$`, 'iu').exec(prompt.slice(-LONGEST_END))?.groups?.['open'];
  if (opened === undefined) return undefined;
  if (/^<\|channel>/.test(opened)) return '<channel|>';
  if (opened.startsWith('<|')) return opened.replace('START_', 'END_').replace('begin_', 'end_').replace('open', 'close');
  return opened.replace(/^./u, (bracket) => `${bracket}/`);
}

/** Whether a text begins with thoughts, in marks of their own. */
export function opensWithThoughts(raw: string): boolean {
  return FIRST.test(raw);
}

/**
 * What a judge says after its thoughts, of which no score may be read: what stands behind the last closing mark, wherever that is.
 * Null where the reply ends inside thoughts.
 */
export function afterThoughts(raw: string): string | null {
  const { text, unfinished } = splitThoughts(raw);
  if (unfinished) return null;
  let said = text;
  let isInside = false;
  for (const mark of text.matchAll(MARK)) {
    const opens = mark.groups?.['open'] !== undefined;
    if (!opens) said = text.slice(mark.index + mark[0].length);
    isInside = opens && (isInside || atLineStart(text, mark.index));
  }
  return isInside ? null : said;
}

function reasoningOf(thoughts: readonly string[]): { readonly reasoning?: string } {
  const reasoning = thoughts.filter((thought) => thought !== '').join('\n\n');
  return reasoning === '' ? {} : { reasoning };
}

function unwrapped(said: string): string {
  const around = AROUND_ANSWER.find(([open]) => open.test(said));
  return around === undefined ? said : said.replace(around[0], '').replace(around[1], '');
}

function* marksOf(text: string, from = 0): Generator<RegExpExecArray> {
  const marks = new RegExp(MARK.source, MARK.flags);
  marks.lastIndex = from;
  for (let seen = 0; seen < MOST_MARKS; seen++) {
    const mark = marks.exec(text);
    if (mark === null) return;
    if (!inInlineCode(text, mark.index)) yield mark;
  }
}

/** The mark that closes these thoughts; those of another name are what the model thinks about. */
function closingOf(text: string, from: number, opening: string | undefined): RegExpExecArray | undefined {
  const name = nameOf(opening ?? '');
  for (const mark of marksOf(text, from)) {
    if (mark.groups?.['open'] === undefined && (name === undefined || nameOf(mark[0]) === name)) return mark;
  }
  return undefined;
}

function nameOf(mark: string): string | undefined {
  return /\p{L}[\p{L}:_]*/u.exec(mark.replace(/START_|END_|begin_of_|end_of_|thought$/g, ''))?.[0].toLowerCase();
}

/** A closing mark whose opening stood in the prompt: the first that has none before it, and that no sentence or code talks of. */
function bareClosing(text: string): RegExpExecArray | undefined {
  let shown = 0;
  for (const mark of marksOf(text)) {
    const { index } = mark;
    if (inFence(text, index)) continue;
    if (mark.groups?.['open'] !== undefined) {
      if (atLineStart(text, index)) shown++;
    } else if (shown > 0) {
      shown--;
    } else if (endsThoughts(text, index, index + mark[0].length)) {
      return mark;
    }
  }
  return undefined;
}

/** Whether a closing mark stands as a model writes it at the end of its thoughts, and not as a word of a sentence. */
function endsThoughts(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 2), start);
  const after = /^[^\S\n]*(?<next>\n|$|[\s\S])/u.exec(text.slice(end, end + 80))?.groups?.['next'] ?? '';
  if (atLineStart(text, start)) return !/[\p{Ll}.,;:)]/u.test(after);
  if (after === '' || after === '\n') return !/[\p{L}\p{N}"'“‘(:,]\s$|["'“‘(]$/u.test(before);
  return !/\s$|["'“‘(]$/u.test(before) && /^[^\s.,;:!?)"'”’]/u.test(text.slice(end, end + 1));
}

/** The line up to an index. */
function lineBefore(text: string, index: number): string {
  return index === 0 ? '' : text.slice(text.lastIndexOf('\n', index - 1) + 1, index);
}

function atLineStart(text: string, index: number): boolean {
  return lineBefore(text, index).trim() === '';
}

function inInlineCode(text: string, index: number): boolean {
  return (lineBefore(text, index).match(/`+/g)?.length ?? 0) % 2 === 1;
}

function inFence(text: string, index: number): boolean {
  return (text.slice(0, index).match(/^\s{0,3}(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
}

/** gpt-oss: channels of messages, `final` for what is said; also with its special tokens left out, as some servers send it. */
function splitChannels(raw: string): SplitReply | undefined {
  if (/^(?:<\|start\|>)?(?:assistant\s?)?<\|channel\|>/.test(raw.trimStart())) {
    const messages = [
      ...raw.matchAll(
        /<\|channel\|>([a-z]+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>([\s\S]*?)(?=<\|(?:end|return|call|start|channel)\|>|$)/g,
      ),
    ];
    const of = (isFinal: boolean): string[] =>
      messages.filter(([, name]) => (name === 'final') === isFinal).map(([, , text = '']) => text.trim());
    const said = of(true);
    return { text: said.join('\n\n'), ...reasoningOf(of(false)), unfinished: said.length === 0 };
  }
  const [, thoughts, said] = /^\s*(?:assistant)?(?:analysis(?!\s+(?:of|is|and|for)\b)([\s\S]*?))?assistantfinal([\s\S]*)$/.exec(raw) ?? [];
  if (said !== undefined) return { text: said, ...reasoningOf([thoughts?.trim() ?? '']), unfinished: false };
  if (/^\s*(?:assistant)?analysis(?=[\p{Lu}"“'*\d])/u.test(raw)) {
    return { text: '', ...reasoningOf([raw.trim().replace(/^(?:assistant)?analysis/, '')]), unfinished: true };
  }
  return undefined;
}

function splitWords(raw: string): SplitReply | undefined {
  for (const pattern of IN_WORDS) {
    const { thoughts, said } = pattern.exec(raw)?.groups ?? {};
    if (thoughts !== undefined && said !== undefined) return { text: said, ...reasoningOf([thoughts.trim()]), unfinished: false };
  }
  return undefined;
}
