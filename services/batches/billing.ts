import type { Usage } from '../../method/records';
import { OVERHEAD_TOKENS } from '../../planning/run-costs';
import type { CallRecord } from '../../stages/call-record';
import type { ModelRequest } from '../endpoints/model-client';
import type { ModelFailure } from '../endpoints/model-errors';
import { readUsage } from '../endpoints/reply-usage';

/**
 * What counts as spent, for budgets. All rules are here:
 *
 * - A reply counts as its `usage` reports, tokens read from a cache apart, since they may have a price of their own. Tokens that are only in `total_tokens` (some servers leave reasoning out of the
 *   completion) count as completion. Without a valid usage, the reply counts at its worst case.
 * - A refused request (400, 413, 422) counts its prompt at the worst case: some providers bill prompts that they moderate.
 * - Any other error status counts nothing, and so does a request that could not be sent. 504 and 524 come from a gateway: the
 *   server behind it may have done the work.
 * - A request that a batch API refuses, or does not come to, counts nothing: providers bill a batch by what it has answered.
 * - A timeout, a connection that broke after the request was sent, and a body that is no reply may have been billed: worst case.
 */
export type Billed = 'nothing' | 'prompt' | 'unknown';

/** A call that counts nothing. */
export const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 };

const GATEWAY_TIMEOUTS: readonly number[] = [504, 524];

/** What a failed request is assumed to be billed. */
export function billedOf({ scope, status, unsent }: ModelFailure): Billed {
  if (unsent === true) return 'nothing';
  if (status === undefined) return 'unknown';
  if (scope === 'item') return 'prompt';
  return GATEWAY_TIMEOUTS.includes(status) ? 'unknown' : 'nothing';
}

/**
 * The most tokens that a call can be billed: a token is at least a byte of text, besides what the server's template adds
 * ({@link OVERHEAD_TOKENS}); and every sample may run to `max_tokens`.
 */
export function boundOf({ body, tokenEstimate }: ModelRequest): Usage {
  const contents = Array.isArray(body['messages'])
    ? (body['messages'] as { content?: unknown }[]).map(({ content }) => content)
    : [body['prompt']];
  const texts = contents.map((content) => (typeof content === 'string' ? content : JSON.stringify(content ?? '')));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const perSample = typeof body['max_tokens'] === 'number' ? body['max_tokens'] : tokenEstimate;
  return {
    promptTokens: bytes + texts.length * OVERHEAD_TOKENS.perMessage + OVERHEAD_TOKENS.perRequest,
    completionTokens: perSample * (typeof body['n'] === 'number' ? body['n'] : 1),
  };
}

/** The tokens of a reply that count; undefined when it does not report them. No prompt is empty, so that zeros report nothing. */
export function usageOfReply(reply: unknown): Usage | undefined {
  const usage = readUsage(reply);
  return usage?.promptTokens === 0 && usage.completionTokens === 0 ? undefined : usage;
}

/** What a stored call counts; `counted` is stored where the reply does not report its usage. */
export function countedOf({ reply, counted, batch }: Pick<CallRecord, 'reply' | 'counted' | 'batch'>): Usage {
  const usage = counted ?? usageOfReply(reply === undefined ? undefined : JSON.parse(reply)) ?? NO_USAGE;
  return batch === undefined ? usage : inBatches(usage);
}

/** The tokens of a call that a batch API answers. */
export function inBatches(usage: Omit<Usage, 'inBatches'>): Usage {
  return { ...usage, inBatches: usage };
}

export function sumOfUsage(usages: Iterable<Usage>): Usage {
  let sum = NO_USAGE;
  for (const usage of usages) sum = addUsage(sum, usage);
  return sum;
}

export function addUsage(a: Usage, b: Usage): Usage {
  const cached = (a.cachedPromptTokens ?? 0) + (b.cachedPromptTokens ?? 0);
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    ...(cached === 0 ? {} : { cachedPromptTokens: cached }),
    ...(a.inBatches === undefined && b.inBatches === undefined
      ? {}
      : { inBatches: addUsage(a.inBatches ?? NO_USAGE, b.inBatches ?? NO_USAGE) }),
  };
}
