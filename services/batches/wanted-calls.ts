import { canonicalJson } from '../../method/canonical-json';
import type { ModelRequest } from '../endpoints/model-client';
import type { KnownCalls } from '../journal/journal-contents';
import type { BatchItem, Exchange } from './batch-item';
import { replayed } from './journalled-calls';
import { requestHash } from './request-hash';

/** A call that an item waits for. */
export interface WantedCall {
  readonly item: string;
  readonly call: number;
  readonly hash: string;
  readonly request: ModelRequest;
  /** Its body, canonical. */
  readonly json: string;
}

/** What is known of calls, with a look-up by request. */
export interface FoundCalls extends KnownCalls {
  find(item: string, call: number, request: string): ReturnType<typeof replayed>['record'] | undefined;
}

/**
 * The next call of each item that is not done, given the calls that are known.
 * @param keepsRefusals whether a refusal that is known is a result; if not, its call is wanted again
 */
export function wantedCalls<Row>(
  items: readonly BatchItem<Row>[],
  known: FoundCalls,
  { identity, keepsRefusals }: { readonly identity: string; readonly keepsRefusals: boolean },
): WantedCall[] {
  const hashOf = requestHash(identity);
  return items.flatMap((item): WantedCall[] => {
    const exchanges: Exchange[] = [];
    for (;;) {
      const step = item.next(exchanges);
      if (step.do === 'done') return [];
      const { request } = step;
      const json = canonicalJson(request.body);
      const hash = hashOf(request.path, json);
      const stored = known.find(item.id, exchanges.length, hash);
      if (stored === undefined || (stored.error !== undefined && !keepsRefusals)) {
        return [{ item: item.id, call: exchanges.length, hash, request, json }];
      }
      exchanges.push(replayed(stored, request));
    }
  });
}

/** A call by its item, number and request. */
export function callKey({ item, call, hash }: { readonly item: string; readonly call: number; readonly hash: string }): string {
  return `${item}\n${call}\n${hash}`;
}
