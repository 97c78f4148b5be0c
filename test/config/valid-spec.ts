import type { RunSpecInput } from '../../config/spec';

/** A small valid spec, new at each call, for tests to break. */
export function validSpec(): RunSpecInput {
  return {
    version: 1,
    models: {
      target: { baseURL: 'http://127.0.0.1:8000/v1', model: 'org/target-7b', template: 'chatml' },
      other: { baseURL: 'https://api.example.com/v1', model: 'other-large', apiKeyEnv: 'OTHER_API_KEY' },
    },
    target: { model: 'target', weights: 'org/target-7b', revision: 'abc123' },
    synthesis: { extract: { instructions: 100 }, respond: { generators: ['target', 'other'] }, judge: { judges: ['target', 'other'] } },
    mix: { newData: '/data/new.jsonl' },
  };
}

type Json = Record<string, unknown>;

/** A valid spec with the value at a dotted path replaced, or removed when it is undefined. */
export function specWith(path: string, value: unknown): Json {
  const spec = JSON.parse(JSON.stringify(validSpec())) as Json;
  const parts = path.split('/');
  let node = spec;
  for (const part of parts.slice(0, -1)) {
    node[part] ??= {};
    node = node[part] as Json;
  }
  const last = parts.at(-1)!;
  if (value === undefined) delete node[last];
  else node[last] = value;
  return spec;
}
