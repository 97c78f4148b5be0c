import type { ScoredBy } from './scores';

/**
 * The rows that the method passes from stage to stage, and that `rehearse export` prints.
 * Ids sort in the order of generation: `i0000042`, `i0000042:<generator>:<sample>`,
 * `i0000042:<generator>:<sample>:<judge>`.
 */

/** An end that is neither good, a cut nor a filter's, with its name: what is missing of such a text is unknown. */
export type BrokenEnd = `ended: ${string}`;

/** Why a reply ended, as the OpenAI API says it, or `null` where an endpoint leaves it out. */
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'function_call' | BrokenEnd | null;

/** Token counts of one reply, as the endpoint reported them. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt tokens, those that the endpoint read from its cache, where it tells. */
  readonly cachedPromptTokens?: number;
  /** Of all these, the tokens of calls that a provider's batch API has answered, which have a price of their own. */
  readonly inBatches?: Omit<Usage, 'inBatches'>;
}

/** One call of a function, as chat templates take it. */
export interface ToolCall {
  readonly id?: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/** One chat message, in the field's names, since these go to the chat template as they are. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  /** Empty where an assistant only calls tools, or a tool gave nothing back. */
  readonly content: string;
  /** What a reasoning model thought before it answered. */
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCall[];
  /** Of a tool's message: the call that it answers, and the tool. */
  readonly tool_call_id?: string;
  readonly name?: string;
  /** False: the loss leaves this answer out. */
  readonly train?: boolean;
}

/** Messages in turn, the assistant's last. */
export interface Conversation {
  readonly id: string;
  readonly messages: readonly Message[];
  /** JSON Schemas of the functions that the assistant may call, for the chat template. */
  readonly tools?: readonly Readonly<Record<string, unknown>>[];
  /** The last answer was cut at a token limit: it has no end, so none may be learned from it. */
  readonly cut?: boolean;
}

/** What the target model wrote after its bare pre-query template (paper, section 3.1, step 1). */
export interface Instruction {
  readonly id: string;
  readonly text: string;
  /** System message before it; of prompts of data sets alone. */
  readonly system?: string;
  /** What the model thought before it, where it did. */
  readonly reasoning?: string;
  readonly model: string;
  readonly finishReason: FinishReason;
  readonly seed: number;
  /** Calls made until this text was accepted, from 1. */
  readonly attempts: number;
  readonly usage: Usage | null;
}

/** One generator's sample for one instruction (section 3.1, step 2). */
export interface Response {
  readonly id: string;
  readonly instructionId: string;
  readonly model: string;
  /** 0-based sample number of this generator. */
  readonly sample: number;
  readonly text: string;
  /** What the model thought before it answered, where it did; never judged, never part of the answer. */
  readonly reasoning?: string;
  readonly finishReason: FinishReason;
  readonly seed: number;
  readonly attempts: number;
  /** Of this sample alone where the endpoint tells, else this sample's even part of the request's. */
  readonly usage: Usage | null;
}

/** One judge's score of one response (section 3.1, step 3). `score` is null when none could be read; `reason` says why. */
export interface Judgment {
  readonly id: string;
  readonly responseId: string;
  readonly instructionId: string;
  readonly judge: string;
  /** 1 to 5, or null. */
  readonly score: number | null;
  readonly scoredBy: ScoredBy;
  /** The judge's reply as it came, without its thoughts. */
  readonly raw: string;
  /** What the judge thought before, where it did; no score is read from it. */
  readonly reasoning?: string;
  /** `expected` only: probability mass that the five ratings held together, 0 to 1. */
  readonly ratingMass?: number;
  readonly reason?: string;
  readonly seed: number;
  readonly attempts: number;
  readonly usage: Usage | null;
}

/** One kept pair: the instruction and its best response. */
export interface ReplayRow {
  readonly instructionId: string;
  readonly responseId: string;
  readonly instruction: string;
  readonly response: string;
  /** The generator whose response won. */
  readonly model: string;
  /** Of the response: `length` where it was cut at a token limit. */
  readonly finishReason: FinishReason;
  readonly meanScore: number;
  /** Judge name to its score of the winner. */
  readonly scores: Readonly<Record<string, number>>;
  readonly messages: readonly Message[];
}

/** One training example. */
export interface MixtureRow extends Conversation {
  readonly source: 'replay' | 'new';
}

/** Stages whose items can fail. */
export type FailureStage = 'extract' | 'filter' | 'respond' | 'judge' | 'select' | 'mix';

/** One loss, kept with its reason; nothing is dropped silently. */
export interface Failure {
  readonly stage: FailureStage;
  /** Id of the instruction, response or judgment that was lost. */
  readonly id: string;
  readonly model: string | null;
  readonly reason: string;
  readonly attempts: number;
}
