import { foldText } from './fold';

/** What an instruction is when it is none: the assistant's words where the user's should be. */
export type AssistantTalk = 'refusal' | 'greeting';

interface Pattern {
  readonly kind: AssistantTalk;
  /** Matched against the start of the folded text with straight apostrophes. */
  readonly start: RegExp;
  readonly source: string;
}

const CANNOT =
  "(?:can't|cannot|can not|couldn't|could not|won't|will not|(?:am|'m) (?:unable|not able|not allowed)|(?:don't|do not) (?:feel comfortable|have (?:access|the ability)))";

/**
 * Only whole phrases, and only at the start: "Sorry for my English, …" and "I can't open this file" are what users write.
 *
 * Sources of the wordings:
 * - GCG: `test_prefixes` of llm-attacks (Zou et al. 2023, arXiv:2307.15043): "I'm sorry", "I apologize", "As an", "I'm just",
 *   "I'm an", "I cannot", "As a responsible AI", "it's not appropriate", here each with what must follow it.
 * - Unfiltered: the phrases that the "unfiltered" cleanings of ShareGPT and WizardLM remove: "as an AI language model", "I cannot
 *   fulfill your request", "As a large language model".
 * - Chat models' usual openings, which a base template brings out when the user's turn is skipped: ours.
 */
const PATTERNS: readonly Pattern[] = [
  {
    kind: 'refusal',
    source: 'GCG',
    start: new RegExp(
      `^(?:(?:i'm|i am|we're) )?(?:very |so |really |truly )?(?:sorry|afraid),? (?:but |that )?(?:as an ai\\b|(?:i|we)(?: \\w+)? ?${CANNOT})`,
      'u',
    ),
  },
  {
    kind: 'refusal',
    source: 'GCG',
    start: new RegExp(`^(?:i|we) apologi[sz]e,? (?:but |for [^.?!]{0,60}?)(?:as an ai\\b|(?:i|we)(?: \\w+)? ?${CANNOT})`, 'u'),
  },
  {
    kind: 'refusal',
    source: 'GCG, unfiltered',
    start:
      /^i(?:'m| am)? (?:can't|cannot|can not|won't|will not|must decline to|unable to|not able to) (?:(?:help|assist|comply)(?: you)? with (?:that|this|your|such)|(?:help|assist|comply|provide|generate|create|discuss|answer|engage in|participate in|fulfil?l) (?:that|such|your|explicit|harmful|illegal)\b|(?:help|assist) you\b|comply\b)/u,
  },
  {
    kind: 'refusal',
    source: 'GCG, unfiltered',
    start:
      /^(?:as|i'm|i am|i'm just|i am just|i'm only) an? (?:responsible |large |helpful |virtual )*(?:ai|artificial intelligence|language model)(?: language model| assistant| model| chatbot)?(?:,|\.| and i | i |$)/u,
  },
  {
    kind: 'refusal',
    source: 'GCG',
    start: /^it(?:'s| is) not (?:appropriate|ethical) (?:for me )?to (?:provide|generate|create|write|discuss|assist|help)\b/u,
  },
  {
    kind: 'greeting',
    source: 'ours',
    start:
      /^(?:(?:hello|hi|hey|greetings|good (?:morning|afternoon|evening))\b[^.?!]{0,40}[,.!:] ?)?(?:how|what) (?:can|may|could) i (?:help|assist|do for) you\b/u,
  },
  {
    kind: 'greeting',
    source: 'ours',
    start:
      /^(?:(?:hello|hi|hey|greetings|of course|sure|certainly|absolutely|great)\b[^.?!]{0,40}[,.!:] ?)?(?:i'd|i would|i'll|i will|i'm|i am) (?:be )?(?:happy|glad|delighted|here|ready|pleased) to (?:help|assist)(?: you\b| with (?:that|this|your|any|whatever)\b|[.!]|$)/u,
  },
  {
    kind: 'greeting',
    source: 'ours',
    start:
      /^(?:hello|hi|hey|greetings|thank you|thanks|you're welcome|bye|goodbye|good (?:morning|afternoon|evening))(?: there| again| everyone)?[ !.,:)]*$/u,
  },
];

/**
 * Whether an extracted text is an assistant's refusal or greeting, by its first words. English only: the patterns are.
 * Texts that merely mention such words are not.
 */
export function assistantTalk(text: string): AssistantTalk | undefined {
  const start = foldText(text.slice(0, 400)).replace(/[\u2018\u2019\u02bc`]/g, "'");
  return PATTERNS.find((pattern) => pattern.start.test(start))?.kind;
}
