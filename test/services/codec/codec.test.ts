import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { aesGcmCodec } from '../../../services/codec/aes-gcm-codec';
import { codecKeys, type CodecKeys } from '../../../services/codec/codec-keys';
import { startCodecServer } from '../../../services/codec/codec-server';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const OLD = `old:${randomBytes(32).toString('base64')}`;
const NEW = `new:${randomBytes(32).toString('base64')}`;

function keys(text: string): CodecKeys {
  const found = codecKeys({ REHEARSE_CODEC_KEYS: text });
  if (found === undefined) throw new Error('no keys');
  return found;
}

const VALUES = ['text with umlauts: äöü', { a: [1, null] }, new Uint8Array([0, 255]), null];
const payloads = (): Payload[] => VALUES.map((value) => defaultPayloadConverter.toPayload(value));
const values = (from: readonly Payload[]): unknown[] => from.map((payload) => defaultPayloadConverter.fromPayload(payload));

test('what is encrypted shows nothing of itself, and comes back as it was', async () => {
  const codec = aesGcmCodec(keys(NEW));
  const encoded = await codec.encode(payloads());
  for (const { data, metadata } of encoded) {
    expect(Buffer.from(data ?? []).toString('latin1')).not.toMatch(/umlauts|json/);
    expect(Buffer.from(metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
  }
  expect(values(await codec.decode(encoded))).toEqual(VALUES);
  // The same twice is not the same on the server.
  const [again] = await codec.encode(payloads());
  expect(Buffer.from(again?.data ?? []).equals(Buffer.from(encoded[0]?.data ?? []))).toBe(false);
});

test('after a change of keys what was written before is read, and what is written needs the new one', async () => {
  const before = await aesGcmCodec(keys(OLD)).encode(payloads());
  const rotated = aesGcmCodec(keys(`${NEW}\n# until the histories from before are gone\n${OLD}\n`));
  expect(values(await rotated.decode(before))).toEqual(VALUES);
  const after = await rotated.encode(payloads());
  await expect(aesGcmCodec(keys(OLD)).decode(after)).rejects.toThrow(
    'a payload is encrypted with the key "new", which REHEARSE_CODEC_KEYS lacks; add it after the first one',
  );
});

test('what was never encrypted is read as it is; what was changed on the way is refused', async () => {
  const codec = aesGcmCodec(keys(NEW));
  expect(values(await codec.decode(payloads()))).toEqual(VALUES);
  const [encoded] = await codec.encode(payloads());
  const data = Buffer.from(encoded?.data ?? []);
  data[20]! ^= 1;
  await expect(codec.decode([{ ...encoded, data }])).rejects.toThrow(/is damaged, or the key is another one of that name/);
  await expect(codec.decode([{ ...encoded, data: data.subarray(0, 5) }])).rejects.toThrow(/cannot be decrypted/);
});

test('keys come from a file too, which keeps them out of the environment', async () => {
  const file = join(folder(), 'keys');
  await writeFile(file, `${NEW}\n${OLD}\n`);
  expect(codecKeys({ REHEARSE_CODEC_KEYS_FILE: file })).toMatchObject({ encryptWith: 'new' });
  expect(codecKeys({})).toBeUndefined();
  expect(() => codecKeys({ REHEARSE_CODEC_KEYS_FILE: join(folder(), 'none') })).toThrow(/cannot be read \(ENOENT\)/);
});

test.each([
  ['k:c2hvcnQ=', 'entry 1 is no key'],
  [NEW.slice(4), 'entry 1 is no key'],
  [`${NEW},k v:${NEW.slice(4)}`, 'entry 2 is no key'],
  [`${NEW},${NEW}`, 'the name new is there twice'],
])('%s is refused, and not shown', (text, message) => {
  expect(() => keys(text)).toThrow(message);
  expect(() => keys(text)).not.toThrow(NEW.slice(4, 20));
});

describe('the codec server', () => {
  const UI = 'http://127.0.0.1:8233';
  const json = (payload: Payload): object => ({
    metadata: Object.fromEntries(
      Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(payload.data ?? []).toString('base64'),
  });

  test('decodes for a Web UI of the right origin with the right token, and for nobody else', async () => {
    const codec = aesGcmCodec(keys(NEW));
    const server = await startCodecServer({ codec, host: '127.0.0.1', port: 0, origins: [UI], token: 'letmein' });
    try {
      const [encoded] = await codec.encode(payloads());
      const ask = async (headers: Record<string, string>, body = JSON.stringify({ payloads: [json(encoded!)] })): Promise<Response> =>
        await fetch(`${server.url}/decode`, { method: 'POST', headers, body });
      const right = { origin: UI, authorization: 'Bearer letmein' };
      const answer = await ask(right);
      expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
      const { payloads: decoded } = (await answer.json()) as { payloads: { data: string }[] };
      expect(Buffer.from(decoded[0]!.data, 'base64').toString()).toBe(JSON.stringify(VALUES[0]));

      expect((await ask({ ...right, origin: 'https://evil.example' })).status).toBe(403);
      expect((await ask({ ...right, authorization: 'Bearer letmeout' })).status).toBe(401);
      expect((await ask({ authorization: 'Bearer letmein' })).status).toBe(200); // the temporal command
      expect((await ask(right, '{')).status).toBe(400);
      const preflight = await fetch(`${server.url}/decode`, { method: 'OPTIONS', headers: { origin: UI } });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-headers')).toContain('x-namespace');
    } finally {
      await server.close();
    }
  });
});
