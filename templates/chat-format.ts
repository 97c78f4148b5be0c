import { rolesOf } from '../method/run-on';
import { checkRoles, type ChatTemplate } from '../method/templates';
import type { ReadTemplate } from './read-template';
import { programOf, renderChat } from './render-chat';
import { closingOf, thinkingSwitch } from './thinking-switch';
import { isThoughtMark } from './turn-marks';

/** A chat format that was read from a model's own tokenizer, as the pipeline uses every other. */
export function chatFormatOf(read: ReadTemplate): ChatTemplate {
  const { source, variables, addsBos, tokens, preQuery, generationPrompt, stop, headers, gap } = read;
  const rendering = { ...read, program: programOf(read.chatTemplate) };
  const special = tokens.filter((token) => token.special).map(({ text }) => text);
  return {
    name: `of ${source.place}`,
    bos: addsBos ? (variables['bos_token'] ?? null) : null,
    // What a chat template renders is the whole prompt: apply_chat_template adds nothing to it.
    isWhole: addsBos,
    isRead: true,
    knowsTokens: tokens.some(({ id }) => id !== null), // a GGUF without types, or a template alone, tells of none
    preQuery,
    stop: stop.slice(0, 4),
    stopTokenIds: read.stopTokenIds,
    headers,
    specialTokens: [...new Set([...special, ...stop.filter((mark) => /^[<[]\S*[>\]]$/.test(mark))])],
    structure: [...new Set([...tokens.filter(isStructure).map(({ text }) => text), ...stop, ...headers])],
    roles: rolesOf([preQuery, generationPrompt], [...special, ...stop]),
    renderPrompt(messages, { assistantPrefix, thinking, variables: more = {} } = {}) {
      checkRoles(messages);
      const setting = thinking === undefined ? undefined : thinkingSwitch(read)[thinking];
      const rendered = renderChat(rendering, messages, { addGenerationPrompt: true, variables: { ...setting?.variables, ...more } });
      const prompt = thinking === 'off' && setting === undefined ? `${rendered}${closingOf(read)}` : rendered;
      // What begins an answer keeps the model from thinking in a channel first, which the end of a turn would cut off.
      const thinks = thinking === 'on' || more['enable_thinking'] === true;
      if (assistantPrefix === undefined || assistantPrefix === '') return gap.trim() === '' || thinks ? prompt : `${prompt}${gap}`;
      return `${prompt}${gap}${assistantPrefix}`;
    },
  };
}

/** HTML that Gemma's tokenizer has tokens for: text, not structure. */
const HTML =
  /^<\/?(?:a|b|blockquote|br|caption|code|em|h[1-6]|i|img|li|mark|ol|p|pre|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul)>$/;

/** Whether a token must not come of a text: all that are special, and of the others those that are no white space, HTML or words. */
function isStructure({ text, special }: ReadTemplate['tokens'][number]): boolean {
  if (text.trim() === '') return false;
  return special || isThoughtMark(text) || (/^[<[◁｜|]/u.test(text) && !HTML.test(text));
}
