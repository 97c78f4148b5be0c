import { parseSpec } from '../../config/load-spec';
import { formatPath, showValue, SpecError } from '../../config/spec-errors';
import { specWith } from './valid-spec';

/** Made up, each in the form that its service gives: OpenAI, Anthropic, Hugging Face, Groq, Google, GitHub, AWS, a JWT, and one without a form. */
const KEYS = {
  openai: 'sk-proj-a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc',
  anthropic: 'sk-ant-api03-a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc',
  huggingFace: `hf_${'aBcDeFgHiJ'.repeat(3)}1234`,
  groq: `gsk_${'aB3dE6gH9j'.repeat(4)}`,
  google: `AIza${'Sy0aB1cD2e'.repeat(3)}`,
  github: `ghp_${'aB3dE6gH9j'.repeat(3)}`,
  aws: 'AKIAIOSFODNN7EXAMPLE',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl',
  plain: 'a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc',
} as const;

function messageOf(path: string, value: unknown): string {
  try {
    parseSpec(specWith(path, value));
    return '';
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

const serve = (args: readonly string[]): unknown => ({ model: 'm', serve: { engine: 'vllm', weights: 'org/m', args } });

describe.each(Object.entries(KEYS))('a key (%s)', (_, key) => {
  test.each([
    ['inside a description', 'description', `use ${key} for the judges`],
    ['alone', 'description', key],
    ['in the path of a URL', 'models/other/baseURL', `https://gateway.example.com/${key}/v1`],
    ["among a server's arguments", 'models/served', serve(['--api-key', key])],
    ['in one argument', 'models/served', serve([`--api-key=${key}`])],
    ['in a field of requests', 'models/other/request', { body: { auth: { value: key } } }],
    ['in a query', 'models/other/request', { query: { v: key } }],
    ['as an id', 'models/other/id', key],
  ])('%s is refused, and not shown', (_place, path, value) => {
    const message = messageOf(path, value);
    expect(message).toContain('expected no secret in a spec');
    expect(message).not.toContain(key.slice(-12));
  });

  test('that is not spotted elsewhere is masked all the same', () => {
    expect(showValue(`x ${key}`)).not.toContain(key.slice(-12));
  });
});

test('a key as the name of something is refused, and not shown', () => {
  const message = messageOf(`models/other/request`, { body: { [KEYS.openai.replaceAll('-', '_')]: 1 } });
  expect(message).not.toContain(KEYS.openai.slice(-12));
  expect(formatPath(['models', KEYS.openai])).toBe('models["a hidden name"]');
});

test.each([
  ['--api-key', 'plain words'],
  ['--hf-token', 'abcdefgh'],
  ['--api_key', '1234'],
])('what follows %s on a command line is a secret, whatever it looks like', (option, value) => {
  expect(messageOf('models/served', serve([option, value]))).toMatch(
    /serve\.args\[1\]: got a hidden value of \d+ characters, expected no secret/,
  );
});

test.each([
  ['a commit of the hub', 'target/revision', '0123456789abcdef0123456789abcdef01234567'],
  ['a commit in a description', 'description', 'weights of 105a1e3f0c9d8b7a6e5f4d3c2b1a09876543210f, second try'],
  [
    'an account in a URL (Cloudflare)',
    'models/other/baseURL',
    'https://api.example.com/client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/ai/v1',
  ],
  ["a deployment's URL (Azure)", 'models/other/baseURL', 'https://my-resource.openai.azure.com/openai/deployments/gpt-4o-mini-2024-07-18'],
  ['long words', 'description', 'ExperimentWithLlama3AndQwen2Models, task-specific, sk-learn baseline'],
  ['a path with a drawn name', 'mix/newData', '/tmp/a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc/new.jsonl'],
  ['a model', 'models/other/model', 'accounts/fireworks/models/llama-v3p1-70b-instruct'],
  ['a file of a key', 'models/served', serve(['--api-key-file', '/run/secrets/key', '--max-model-len', '4096'])],
  ['a variable', 'models/served', serve(['--api-key', '$VLLM_API_KEY'])],
])('%s is none', (_, path, value) => {
  expect(messageOf(path, value)).toBe('');
});

test('a commit is shown where it is wrong', () => {
  expect(showValue('0123456789abcdef0123456789abcdef01234567', 'revision')).toBe('"0123456789abcdef0123456789abcdef01234567"');
});
