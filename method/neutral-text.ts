/**
 * Markup that some chat format is made of, for models whose tokenizer nobody has read: `<|im_end|>`, `<|reserved_special_token_7|>`,
 * `<｜User｜>`, `<start_of_turn>`, `[INST]`, `</think>`, tags of tools, code to fill in, thoughts and sequences.
 */
const MARKUP =
  /<\|[^|<>\n]{1,60}\|>|<\|[a-z_]{1,40}>|<[a-z_]{1,40}\|>|<｜[^｜<>\n]{1,60}｜>|<\/?(?:s|bos|eos|unk|pad|think|thought|tool_call|tool_response|tools|sop|eop)>|<(?:start|end)_of_[a-z]+>|<\/?(?:fim|repo|file|jupyter|reserved)_?[a-z0-9_]*>|<<\/?SYS>>|\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|PREFIX|SUFFIX|MIDDLE|gMASK|sMASK)\]|◁\/?think▷/gu;

/** A text whose parts nobody takes for structure, and how many were changed. */
export interface NeutralText {
  readonly text: string;
  readonly changed: number;
}

/**
 * Makes copies of texts in which nothing is structure: every mark gets a space behind its first character, and so becomes plain words.
 * @param marks texts of tokens, and headers of turns, of the model that is to read the copies
 * @param known whether these are all of its tokens; if not, what looks like any format's markup is changed too
 */
export function neutralizer(marks: readonly string[], known: boolean): (text: string) => NeutralText {
  const own = new Set(marks.filter((mark) => mark.trim() !== ''));
  const lengths = [...new Set([...own].map((mark) => mark.length))].sort((a, b) => b - a);
  const first = new Set([...own].map((mark) => mark.charCodeAt(0)));

  return (text) => {
    let changed = 0;
    let copy = '';
    let done = 0;
    for (let at = 0; at < text.length; at++) {
      if (!first.has(text.charCodeAt(at))) continue;
      const length = lengths.find((each) => own.has(text.slice(at, at + each)));
      if (length === undefined) continue;
      copy += text.slice(done, at) + spaced(text.slice(at, at + length));
      done = at + length;
      at = done - 1;
      changed++;
    }
    copy += text.slice(done);
    if (known) return { text: copy, changed };
    const other = copy.replace(MARKUP, (mark) => {
      changed++;
      return spaced(mark);
    });
    return { text: other, changed };
  };
}

/** White space at the beginning stays: behind a line break the words are what makes a header. */
function spaced(mark: string): string {
  const words = mark.trimStart();
  const blanks = mark.slice(0, mark.length - words.length);
  const [letter = ''] = words;
  return `${blanks}${letter} ${words.slice(letter.length)}`;
}
