import type { Usage } from '../../method/records';
import type { BatchItem, Exchange, Step } from '../../services/batches/batch-item';
import type { ModelRequest } from '../../services/endpoints/model-client';
import type { ReplyChoice, TokenChoice } from '../../services/endpoints/model-reply';

/** A call that came back with these choices; a bare text is one that ended by itself. */
export function replied(choices: readonly (string | Partial<ReplyChoice>)[], usage: Usage | null = null): Exchange {
  const full = choices.map((choice): ReplyChoice => {
    const { text = '', finishReason = 'stop', tokens = [], reasoning } = typeof choice === 'string' ? { text: choice } : choice;
    return { text, ...(reasoning === undefined ? {} : { reasoning }), finishReason, tokens };
  });
  return { reply: { choices: full, usage }, error: undefined };
}

/** A call that was answered with a body without choices. */
export const answeredNothing: Exchange = { reply: undefined, error: undefined };

/** A call that the endpoint refused. */
export function refused(message: string, kind = 'refused'): Exchange {
  return { reply: undefined, error: { kind, status: 400, message } };
}

/** A token whose alternatives have these probabilities. */
export function tokenOf(token: string, probabilities: Readonly<Record<string, number>>): TokenChoice {
  const topLogprobs = Object.entries(probabilities).map(([alternative, probability]) => ({
    token: alternative,
    logprob: Math.log(probability),
  }));
  return { token, logprob: Math.log(probabilities[token] ?? 0.5), topLogprobs };
}

export interface Walk<Row> {
  /** What was asked for before each exchange, and after the last one if the item still wants more. */
  readonly requests: readonly ModelRequest[];
  /** The last step. */
  readonly last: Step<Row>;
}

/** Plays the exchanges to an item one by one. @throws Error when it is done before they are used up */
export function play<Row>(item: BatchItem<Row>, exchanges: readonly Exchange[]): Walk<Row> {
  const requests: ModelRequest[] = [];
  for (let count = 0; ; count++) {
    const last = item.next(exchanges.slice(0, count));
    if (last.do === 'call') requests.push(last.request);
    if (count === exchanges.length) return { requests, last };
    if (last.do === 'done') throw new Error(`item ${item.id} is done after ${count} of ${exchanges.length} exchanges`);
  }
}

/** The rows and failures with which an item ends after these exchanges. @throws Error when it wants another call */
export function outcome<Row>(item: BatchItem<Row>, exchanges: readonly Exchange[]): Extract<Step<Row>, { do: 'done' }> {
  const { last } = play(item, exchanges);
  if (last.do === 'call') throw new Error(`item ${item.id} wants another call after ${exchanges.length} exchanges`);
  return last;
}
