import { redactFor } from '../../../services/endpoints/api-key';
import { createRedact, secretOfHeader } from '../../../services/endpoints/secrets';

const KEY = 'a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc'; // 28 characters, with no beginning that tells what it is

test.each([
  ['the whole key', `Incorrect API key provided: ${KEY}.`],
  ['24 of its 28 characters', `Incorrect API key provided: ${KEY.slice(0, 24)}****.`],
  ['eight from its middle', `no such key ${KEY.slice(9, 17)}`],
  ['its end', `key ending in ${KEY.slice(-8)}`],
  ['in capitals', KEY.toUpperCase()],
  ['twice, in pieces', `${KEY.slice(0, 10)} … ${KEY.slice(12, 24)}`],
  ['in a URL', `https://host/v1?key=${encodeURIComponent(KEY)}&x`],
])('%s is redacted', (_, text) => {
  const redacted = createRedact([KEY])(text);
  for (let start = 0; start + 8 <= KEY.length; start++) {
    expect(redacted.toLowerCase()).not.toContain(KEY.slice(start, start + 8).toLowerCase());
  }
  expect(redacted).toContain('[redacted]');
});

test('what stands around it stays', () => {
  expect(createRedact([KEY])(`key ${KEY} is wrong, see ${KEY.slice(0, 12)}!`)).toBe('key [redacted] is wrong, see [redacted]!');
});

test('fewer than eight characters in a row say nothing', () => {
  const text = `begins with ${KEY.slice(0, 7)}`;
  expect(createRedact([KEY])(text)).toBe(text);
});

test('a short key is redacted whole', () => {
  expect(createRedact(['hunter2'])('password hunter2 refused')).toBe('password [redacted] refused');
});

test('a key with characters that URLs and JSON escape is redacted in both', () => {
  const key = 'pa"ss/word+12345678=';
  const redact = createRedact([key]);
  expect(redact(`q=${encodeURIComponent(key)}`)).toBe('q=[redacted]');
  expect(redact(`"${JSON.stringify(key).slice(1, -1)}"`)).toBe('"[redacted]"');
});

test.each([
  ['alone', (text: string) => text],
  ['as a header has it', (text: string) => `Bearer ${text}`],
  ['with a user before it', (text: string) => `me:${text}`],
  ['with text on both sides', (text: string) => `key ${text} of ours`],
])('a key in base64 or hexadecimal digits, %s, is redacted but for the edges', (_, around) => {
  const redact = createRedact([KEY]);
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    const redacted = redact(`got ${Buffer.from(around(KEY)).toString(encoding)}.`);
    expect(redacted).toContain('[redacted]');
    const left = redacted
      .slice(4, -1)
      .split('[redacted]')
      .map((text) => Buffer.from(text, encoding).toString('latin1'));
    for (let start = 0; start + 3 <= KEY.length; start++) {
      expect(left.some((text) => text.includes(KEY.slice(start, start + 3)))).toBe(false);
    }
  }
});

test('a checksum beside a key stays', () => {
  const sum = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(createRedact([KEY])(`sha256 ${sum}`)).toBe(`sha256 ${sum}`);
});

test('keys of the usual services go without being known', () => {
  const redact = createRedact([]);
  expect(redact('Incorrect API key provided: sk-proj-abc***********xyz1.')).toBe('Incorrect API key provided: [redacted].');
  expect(redact('token hf_AbCdEf123456 is gated')).toBe('token [redacted] is gated');
  expect(redact('the model hf-internal-testing/tiny does not exist')).toBe('the model hf-internal-testing/tiny does not exist');
});

test('without secrets a text stays as it is', () => {
  expect(createRedact([undefined, ''])('nothing to hide')).toBe('nothing to hide');
});

test("of a header the scheme is no secret, and a referer's URL is none", () => {
  expect(secretOfHeader(`Bearer ${KEY}`)).toBe(KEY);
  expect(secretOfHeader('https://example.com')).toBeUndefined();
});

test("all keys of a model go, its headers' too", () => {
  const env = { KEY, AZURE: 'Bearer q7Lk2Vn9Tz4Wm1Rb', SITE: 'https://example.com/app' };
  const redact = redactFor({ apiKeyEnv: 'KEY', request: { headersEnv: { 'api-key': 'AZURE', referer: 'SITE', none: 'UNSET' } } }, env);
  expect(redact(`no ${KEY.slice(3, 15)} or q7Lk2Vn9Tz4W at https://example.com/app`)).toBe(
    'no [redacted] or [redacted] at https://example.com/app',
  );
});
