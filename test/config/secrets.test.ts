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

/** 32 hexadecimal digits, as Azure's keys are: nothing but the words beside them tells what they are. */
const HEX = '3f9c1ad07b52e8643f9c1ad07b52e864';

test.each([
  ['a key behind its name', 'description', `the judge's key: ${HEX}`],
  ['one of a subscription', 'description', `subscription-key=${HEX}`],
  ['one of AWS behind its whole name', 'description', 'aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz'],
  ['a token behind its name', 'description', 'token=abcdefgh12345678'],
  ['a password in an address', 'description', 'results go to postgres://writer:hunter22@db/runs'],
  ['a field that is named so', 'models/other/request', { body: { api_key: HEX } }],
  ['a field within another one', 'models/other/request', { body: { auth: { subscriptionKey: HEX } } }],
])('%s is refused, and not shown', (_, path, value) => {
  const message = messageOf(path, value);
  expect(message).toContain('expected no secret in a spec');
  expect(message).not.toMatch(/3f9c1ad0|wJalrXUt|abcdefgh|hunter22/);
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
  ['words that begin as a key does', 'description', 'sk-learn baseline of 2024'],
  ['a library', 'description', 'hf_transfer is on, 3 workers'],
  ['a checksum', 'description', 'data sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['a UUID', 'description', 'run 550e8400-e29b-41d4-a716-446655440000, again'],
  ['an ARN', 'models/other/model', 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0'],
  ['a number of tokens', 'description', 'tokens: 50000000 at most, token: 4096 each'],
  ["a token of the model's", 'models/other/request', { body: { eos_token: '<|reserved_special_token_11|>' } }],
  ['where a key lies', 'description', 'api key: $OPENAI_API_KEY, password: see the vault'],
  ['an address without a password', 'description', 'gateway at http://127.0.0.1:4000/v1, by ops@example.com'],
  ['a file of a key', 'models/served', serve(['--api-key-file', '/run/secrets/key', '--max-model-len', '4096'])],
  ['a variable', 'models/served', serve(['--api-key', '$VLLM_API_KEY'])],
])('%s is none', (_, path, value) => {
  expect(messageOf(path, value)).toBe('');
});

test('a commit is shown where it is wrong', () => {
  expect(showValue('0123456789abcdef0123456789abcdef01234567', 'revision')).toBe('"0123456789abcdef0123456789abcdef01234567"');
});
