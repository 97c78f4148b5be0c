import { visibleText } from './visible-text';

/** What has a meaning within a line of GitHub-flavoured Markdown. */
const INLINE = /[\\`*_[\]|~$]/g;
/** What GitHub makes a link or a mention of without being asked. */
const AUTOLINK = /(https?|ftp|mailto|xmpp)(?=:)|\bwww(?=\.)|(?=@)/gi;
/** What begins a block at the start of a line. */
const BLOCK_START = /^(\s*)([#>+=-]|\d+(?=[.)]))/;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text for a line of Markdown or a table cell: it shows as it is, and is no markup, link or HTML. */
export function markdownInline(text: string): string {
  return visibleText(text)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(INLINE, '\\$&')
    .replace(/[&<>]/g, (character) => ENTITIES[character]!)
    .replace(AUTOLINK, '$&\\');
}

/** {@link markdownInline} for a paragraph: nor does it begin a heading, list or quotation. */
export function markdownParagraph(text: string): string {
  return markdownInline(text).replace(BLOCK_START, (_, space: string, mark: string) =>
    /^\d/.test(mark) ? `${space}${mark}\\` : `${space}\\${mark}`,
  );
}

/** Text as a fenced block, whose fence is longer than any run of backticks in it. */
export function markdownFence(text: string, language = 'text'): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${visibleText(text).replace(/\n$/, '')}\n${fence}`;
}
