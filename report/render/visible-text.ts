/** Controls but tab and line feed. */
// oxlint-disable-next-line no-control-regex -- these are what is to be shown
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Marks that reorder, hide or smuggle text: bidirectional controls, zero-width space and no-break space, separators, tags, private planes. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * A text from outside, with everything that does not show itself made visible: a terminal's escape becomes `␛`, a
 * right-to-left override `⟨U+202E⟩`. Line feeds and tabs stay; CRLF becomes a line feed. The result still has to be
 * escaped for where it goes.
 */
export function visibleText(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(CONTROLS, (control) => {
      const code = control.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? '␡' : named(code);
    })
    .replace(INVISIBLE, (mark) => named(mark.codePointAt(0)!))
    .replace(LONE_SURROGATE, '\ufffd');
}

function named(code: number): string {
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
