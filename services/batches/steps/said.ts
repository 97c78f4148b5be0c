import type { ModelSpec } from '../../../config/spec';
import { templateVariables } from '../../../config/thinking';
import type { TextRejection } from '../../../method/instructions';
import type { FinishReason } from '../../../method/records';
import type { ChatTemplate } from '../../../method/templates';
import { closingOfPrompt, splitThoughts } from '../../../method/thoughts';
import type { ReplyChoice } from '../../endpoints/model-reply';
import { NULL_END } from '../../endpoints/reply-ends';

/** What a model said, without the thoughts before it. */
export interface Said {
  readonly text: string;
  readonly reasoning?: string;
  /** Why nothing is said, where thoughts are the reason. */
  readonly rejected?: Extract<TextRejection, 'unfinished thinking' | 'nothing but thinking'>;
}

/** What of a model decides how its thoughts are found. */
export interface Thinker extends Pick<ModelSpec, 'thinking'> {
  /** Its chat format ends prompts inside thoughts; see {@link opensThoughts}. */
  readonly opens?: boolean;
  /** Its replies continue raw prompts, which no server has taken thoughts off. */
  readonly isRaw?: boolean;
}

/** Whether a model's chat format opens thoughts at the end of a prompt, so that a reply has no mark of their beginning. */
export function opensThoughts(template: ChatTemplate | undefined, model: Pick<ModelSpec, 'thinking'>): boolean {
  if (template?.isRead !== true) return false; // the catalogue's formats never do
  const prompt = template.renderPrompt([{ role: 'user', content: 'Hello' }], { variables: templateVariables(model) });
  return closingOfPrompt(prompt) !== undefined;
}

/** How a choice ended: what an endpoint that never tells ends calls null is no sign of a text that broke off. */
export function endOf({ finishReason }: Pick<ReplyChoice, 'finishReason'>, { tellsEnds }: Pick<ModelSpec, 'tellsEnds'>): FinishReason {
  return tellsEnds === false && finishReason === NULL_END ? null : finishReason;
}

/**
 * Takes the thoughts of a choice apart, wherever the endpoint puts them.
 * @param thoughtTokens that the reply tells of without showing them, as OpenAI's do
 */
export function saidIn({ text: raw, reasoning, finishReason }: ReplyChoice, thinker: Thinker, thoughtTokens = 0): Said {
  const { thinking, opens = false, isRaw = false } = thinker;
  const split = splitThoughts(raw, opens && isRaw);
  const isCut = finishReason === 'length';
  const thoughts = [reasoning, split.reasoning].filter((each) => each !== undefined).join('\n\n');
  const isSaid = split.text.trim() !== '';
  // A chat format that opens the thoughts in the prompt leaves no mark in a reply that ends before they do.
  if (isCut && isSaid && thoughts === '' && (opens || thinking?.mode === 'on')) {
    return { text: '', reasoning: raw.trim(), rejected: 'unfinished thinking' };
  }
  const said = { text: split.text, ...(thoughts === '' ? {} : { reasoning: thoughts }) };
  if (split.unfinished) return { ...said, rejected: 'unfinished thinking' };
  if (isSaid || (thoughts === '' && thoughtTokens === 0)) return said;
  return { ...said, rejected: isCut ? 'unfinished thinking' : 'nothing but thinking' };
}
