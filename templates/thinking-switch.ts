import { MethodError } from '../method/method-error';
import type { ChatRendering } from './render-chat';
import { aroundUser, type AroundUser } from './take-apart';
import { SWITCHES, THOUGHT_TAGS } from './thought-tags';
import { isThoughtMark } from './turn-marks';

/** One way to be asked: the variables that say so, for `chat_template_kwargs`, and the text that they lead to. */
export interface ThinkingSetting extends AroundUser {
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What a chat template knows of thoughts. */
export interface ThinkingSwitch {
  /** Absent where the template cannot turn thoughts off. */
  readonly off?: ThinkingSetting;
  /** Absent where the template cannot turn thoughts on or off. */
  readonly on?: ThinkingSetting;
  /** The variable that tells how much to think, and its values. */
  readonly effort?: { readonly variable: string; readonly values: readonly string[] };
  /** Tags of thoughts that the template writes or looks for. */
  readonly tags?: { readonly open: string; readonly close: string };
  /** The prompt opens the thought, unless told otherwise: a reply begins inside it. */
  readonly beginsInside: boolean;
}

/** gpt-oss, Mistral Small 4, Qwen3.8; Muse. */
const EFFORTS = ['reasoning_effort', 'thinking_effort', 'reasoning_strength'] as const;
const USUAL_EFFORTS = ['low', 'medium', 'high'] as const;
const FURTHER_EFFORTS = ['none', 'minimal', 'xhigh', 'max'] as const;

/**
 * How a chat template turns thoughts on and off, found by rendering: a variable counts when it changes what stands around a user's text.
 * @throws {MethodError} when the template refuses a single user's message
 */
export function thinkingSwitch(rendering: ChatRendering): ThinkingSwitch {
  const { chatTemplate } = rendering;
  const usual = around(rendering, {});
  if (usual === undefined) throw new MethodError("the chat template refuses a single user's message");
  const switched = switchOf(rendering);
  const written = [chatTemplate, usual.before, usual.after, switched?.on.after ?? ''].join('\n'); // Kimi K3 puts its tags together
  const tags = THOUGHT_TAGS.find(([open, close]) => written.includes(open) || (isThoughtMark(close) && written.includes(close)));
  const found = tags === undefined ? {} : { tags: { open: tags[0], close: tags[1] } };
  const beginsInside = tags !== undefined && opensThought(usual.after, tags);
  const effort = effortOf(rendering);
  if (switched !== undefined) return { ...switched, ...effort, ...found, beginsInside };
  const values = effort?.effort.values ?? [];
  const variable = effort?.effort.variable ?? '';
  const none = values.includes('none') ? around(rendering, { [variable]: 'none' }) : undefined;
  const most = none === undefined ? undefined : around(rendering, { [variable]: 'high' });
  return { ...(none === undefined ? {} : { off: none }), ...(most === undefined ? {} : { on: most }), ...effort, ...found, beginsInside };
}

/**
 * What a raw prompt puts between a user's text and the reply, with thoughts off or on. Where the template has no switch but begins inside
 * a thought, `off` closes it at once, as the templates that have a switch do.
 * @returns undefined where the template cannot do it
 */
export function thinkingPrompt(rendering: ChatRendering, mode: 'off' | 'on'): string | undefined {
  const known = thinkingSwitch(rendering);
  const setting = known[mode];
  if (setting !== undefined) return setting.after;
  const usual = around(rendering, {})?.after;
  if (usual === undefined || !known.beginsInside) return undefined;
  return mode === 'on' ? usual : `${usual}${closingOf(rendering)}`;
}

/** What ends at once the thought that a template's prompt opens; empty where it opens none. */
export function closingOf(rendering: ChatRendering): string {
  const { tags, beginsInside } = thinkingSwitch(rendering);
  const usual = around(rendering, {})?.after ?? '';
  return tags === undefined || !beginsInside ? '' : `${usual.endsWith('\n') ? '\n' : ''}${tags.close}\n\n`;
}

function switchOf(rendering: ChatRendering): { readonly off: ThinkingSetting; readonly on: ThinkingSetting } | undefined {
  for (const [name, without, within] of SWITCHES.filter(([each]) => mentions(rendering.chatTemplate, each))) {
    const off = around(rendering, { [name]: without });
    const on = around(rendering, { [name]: within });
    if (off !== undefined && on !== undefined && !same(off, on)) return { off, on };
  }
  return undefined;
}

function effortOf(rendering: ChatRendering): { readonly effort: NonNullable<ThinkingSwitch['effort']> } | undefined {
  for (const variable of EFFORTS.filter((each) => mentions(rendering.chatTemplate, each))) {
    const quoted = FURTHER_EFFORTS.filter((value) => new RegExp(`['"]${value}['"]`).test(rendering.chatTemplate));
    const taken = [...USUAL_EFFORTS, ...quoted].flatMap((value) => {
      const setting = around(rendering, { [variable]: value });
      return setting === undefined ? [] : [{ value, text: JSON.stringify([setting.before, setting.after]) }];
    });
    if (new Set(taken.map(({ text }) => text)).size > 1) return { effort: { variable, values: taken.map(({ value }) => value) } };
  }
  return undefined;
}

function around(rendering: ChatRendering, variables: Readonly<Record<string, unknown>>): ThinkingSetting | undefined {
  try {
    return { variables, ...aroundUser(rendering, { addGenerationPrompt: true, variables }) };
  } catch (error) {
    if (error instanceof MethodError) return undefined;
    throw error;
  }
}

function same(a: AroundUser, b: AroundUser): boolean {
  return a.before === b.before && a.after === b.after;
}

function mentions(chatTemplate: string, variable: string): boolean {
  return new RegExp(`(?<![\\w.'"])${variable}\\b`).test(chatTemplate);
}

function opensThought(prompt: string, [open, close]: readonly [string, string]): boolean {
  return prompt.lastIndexOf(open) >= 0 && prompt.lastIndexOf(open) > prompt.lastIndexOf(close);
}
