import { type JudgedPair, renderJudgePrompt } from './judge-prompt';

/** The line in which a judge's rating should stand. */
export interface ScoreLine {
  /** In compatibility form, without markup and invisible characters. */
  readonly text: string;
  /** It quotes somebody, or is in a block of code. */
  readonly isQuoted: boolean;
}

const SPECIAL_TOKENS = /<\|[^|<>\s]{1,40}\|>|<\/s>|<end_of_turn>|<eos>/g;
/** Marks of direction, joiners, variation selectors, keycaps, NUL: nobody sees them. */
// oxlint-disable-next-line no-control-regex -- removing them is the point
const INVISIBLE = /[\p{Cf}\p{Variation_Selector}\u20e3\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu;
const QUOTING_TAG = /<(\/?)(?:blockquote|pre|q)\b[^<>]{0,200}>/gi;
const TAG = /<\/?[a-z][a-z0-9-]{0,20}(?:\s[^<>]{0,200})?\/?>/gi;
const TEX_COMMAND = /\\(?:(?:boxed|text\w{0,4}|math\w{2}|large|Large|LARGE|huge|bf|quad)(?![a-zA-Z])|[,;:!()[\]\s]|(?=[\p{P}\p{S}]))/gu;
/** Where zero is in the scripts that judges write digits of, besides our own. */
const ZEROS = [0x06_60, 0x06_f0, 0x09_66, 0x09_e6];

/**
 * The last line of a reply with a letter or digit in it. Markup around a rating is harmless and is taken off; a block quote, a block
 * of code and a quoting element are somebody else's words, and what is in them is marked as such.
 */
export function scoreLine(reply: string): ScoreLine | undefined {
  let fence = '';
  let quotes = 0;
  let last: ScoreLine | undefined;
  for (const line of linesOf(reply)) {
    const [mark] = /^\s{0,3}(?:`{3,}|~{3,})/.exec(line) ?? [];
    const isFence = mark !== undefined && (fence === '' || mark.trim().startsWith(fence));
    if (isFence) fence = fence === '' ? mark.trim() : '';
    const before = quotes;
    for (const [, slash] of line.matchAll(QUOTING_TAG)) quotes = Math.max(0, quotes + (slash === '' ? 1 : -1));
    const text = isFence ? '' : plain(line);
    if (!/[\p{L}\p{N}]/u.test(text)) continue;
    const isQuoted = fence !== '' || before > 0 || quotes > 0 || /<(?:q|pre|blockquote)\b/i.test(line) || /^\s*(?:[-*+]\s+)?>/.test(line);
    last = { text, isQuoted };
  }
  return last;
}

/**
 * Whether a reply ends as a text that the judge was shown: its last two lines follow each other there, or its last line, where that
 * is more than a rating, stands there. A bare rating below the judge's own words is its own, whatever the response ends with.
 * @param ownWords whether the last line says something besides the rating
 */
export function endsLikeShown(reply: string, { instruction, response }: JudgedPair, ownWords: boolean): boolean {
  const lines = comparable(reply);
  const [previous, last] = lines.slice(-2);
  const shown = [comparable(response), comparable(renderJudgePrompt({ instruction, response }))];
  if (ownWords && shown.some((each) => each.includes(lines.at(-1) ?? ''))) return true;
  if (previous === undefined || last === undefined) return false;
  // A reply may begin within a line.
  const isTail = (line: string): boolean => lines.length === 2 && previous.length >= SHORTEST_TAIL && line.endsWith(previous);
  // Or put a label before what it repeats: "Response: …".
  const unlabelled = comparable(
    linesOf(reply)
      .map((line) => line.replace(LABEL_BEFORE, ''))
      .join('\n'),
  ).at(-2);
  const isCopy = (line: string): boolean => line === previous || line === unlabelled || isTail(line);
  return shown.some((each) => each.some((line, index) => index > 0 && line === last && isCopy(each[index - 1]!)));
}

/** One to three words and a colon, not those of the rating itself. */
const LABEL_BEFORE = /^[\s*_#>"'`]*(?!score\b)\p{L}+(?: \p{L}+){0,2}[*_]*:[*_]*\s+/iu;
/** Characters of a line's end that no two writers have in common by chance. */
const SHORTEST_TAIL = 20;

function comparable(text: string): string[] {
  return linesOf(text)
    .map((line) =>
      plain(line)
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

function linesOf(text: string): string[] {
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(SPECIAL_TOKENS, '')
    .split(/\r\n|[\n\r\u2028\u2029]/);
}

/** A line without markup: HTML, LaTeX, escapes; its colons and digits as ASCII has them. */
function plain(line: string): string {
  const text = line
    .replace(TAG, '')
    .replace(/&(?:nbsp|#160|#xa0);/gi, ' ')
    .replace(/[∶꞉]/g, ':')
    .replace(/[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef]/g, (digit) => {
      const code = digit.codePointAt(0)!;
      return String(code - ZEROS.findLast((zero) => zero <= code)!);
    });
  return (/[\\$]/.test(text) ? text.replace(TEX_COMMAND, '').replace(/[{}$]/g, ' ') : text).trim();
}
