import { PermanentEndpointError } from './endpoint-errors';
import type { ModelClient } from './model-client';
import type { ModelErrorKind } from './model-errors';

/** Told how each try of a call ended. */
export type CallObserver = (end: {
  readonly model: string;
  readonly outcome: 'answered' | ModelErrorKind | 'permanent';
  readonly seconds?: number;
}) => void;

/** The client, with an observer of its calls. */
export function observedClient(client: ModelClient, model: string, observe: CallObserver): ModelClient {
  return {
    ...client,
    async call(request, options) {
      let retried = false;
      try {
        const outcome = await client.call(request, {
          ...options,
          onTransient: async (failure) => {
            retried = true;
            observe({ model, outcome: failure.kind });
            await options.onTransient?.(failure);
          },
        });
        if ('reply' in outcome) observe({ model, outcome: 'answered', seconds: outcome.ms / 1000 });
        // A request that keeps failing is refused with a fault that was told of before.
        else if ('refusal' in outcome && !retried) observe({ model, outcome: outcome.refusal.kind });
        return outcome;
      } catch (error) {
        if (error instanceof PermanentEndpointError) observe({ model, outcome: 'permanent' });
        throw error;
      }
    },
  };
}
