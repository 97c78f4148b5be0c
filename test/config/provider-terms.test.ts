import { parseSpec } from '../../config/load-spec';
import { termsWarnings } from '../../config/provider-terms';
import type { RunSpecInput } from '../../config/spec';
import { validSpec } from './valid-spec';

function pathsOf(change: (spec: RunSpecInput) => void): string[] {
  const spec = validSpec();
  change(spec);
  return termsWarnings(parseSpec(spec)).map(({ path }) => path);
}

const at = (baseURL: string, licence?: string) => (spec: RunSpecInput) =>
  void Object.assign(spec.models['other']!, { baseURL, ...(licence === undefined ? {} : { licence }) });

test.each([
  'https://api.openai.com/v1',
  'https://mine.openai.azure.com/openai/v1',
  'https://api.anthropic.com/v1',
  'https://openrouter.ai/api/v1',
])('a generator at %s without a note of its terms is reminded of them', (baseURL) => {
  expect(pathsOf(at(baseURL))).toEqual(['models.other.licence']);
});

test.each([
  ["at a server of one's own", at('http://127.0.0.1:8000/v2')],
  ['with a note', at('https://api.openai.com/v1', 'asked, allowed')],
  ['at a host that only sounds alike', at('https://api.openai.com.example.org/v1')],
  ['that only judges', (spec: RunSpecInput) => (at('https://api.openai.com/v1')(spec), (spec.synthesis.respond.generators = ['target']))],
] as [string, (spec: RunSpecInput) => void][])('one %s is not', (_, change) => {
  expect(pathsOf(change)).toEqual([]);
});
