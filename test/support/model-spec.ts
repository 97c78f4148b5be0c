import type { ModelSpec } from '../../config/spec';

type Overrides = Partial<Omit<ModelSpec, 'limits'>> & { readonly limits?: Partial<ModelSpec['limits']> };

/** A model of a spec as validation leaves it, for tests that start below the spec. */
export function modelSpec({ limits, ...overrides }: Overrides = {}): ModelSpec {
  return {
    baseURL: 'http://127.0.0.1:1/v1',
    model: 'fake-model',
    supportsN: true,
    ...overrides,
    limits: { adaptive: true, concurrency: 8, timeoutMs: 30_000, ...limits },
  };
}
