import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { codecKeys, type CodecKeys } from './codec-keys';

/** What the server holds cannot be decrypted with the keys at hand. */
class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

/** As in Temporal's own samples, so that their codec servers and ours read each other. */
const ENCODING = 'binary/encrypted';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (data: Uint8Array | null | undefined): string => Buffer.from(data ?? []).toString('utf8');
const { Payload: PayloadMessage } = temporal.api.common.v1;

/**
 * Encrypts each payload whole, its type included, with AES-256-GCM (NIST SP 800-38D) and a random nonce of 96 bits. What is not
 * encrypted is read as it is, so that histories from before go on.
 */
export function aesGcmCodec({ encryptWith, keys }: CodecKeys): PayloadCodec {
  const key = keys.get(encryptWith)!;
  return {
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, encryptWith, key)),
    decode: async (payloads) => payloads.map((payload) => (isEncrypted(payload) ? decrypt(payload, keys) : payload)),
  };
}

/** How clients and workers of this environment write payloads; undefined where it has no keys. @throws CodecKeysError */
export function encryptingConverter(env: Readonly<Record<string, string | undefined>>): DataConverter | undefined {
  const keys = codecKeys(env);
  return keys === undefined ? undefined : { payloadCodecs: [aesGcmCodec(keys)] };
}

function encrypt(payload: Payload, name: string, key: KeyObject): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const data = Buffer.concat([nonce, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding: bytes(ENCODING), 'encryption-key-id': bytes(name) }, data };
}

function isEncrypted({ metadata }: Payload): boolean {
  return textOf(metadata?.['encoding']) === ENCODING;
}

function decrypt({ metadata, data }: Payload, keys: CodecKeys['keys']): Payload {
  const name = textOf(metadata?.['encryption-key-id']);
  const key = keys.get(name);
  if (key === undefined) {
    throw new DecryptionError(
      `a payload is encrypted with the key "${name.slice(0, 64)}", which REHEARSE_CODEC_KEYS lacks; add it after the first one`,
    );
  }
  const whole = Buffer.from(data ?? []);
  try {
    const decipher = createDecipheriv(CIPHER, key, whole.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(whole.subarray(-TAG_BYTES));
    return PayloadMessage.decode(Buffer.concat([decipher.update(whole.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    throw new DecryptionError(
      `a payload cannot be decrypted with the key "${name}": it is damaged, or the key is another one of that name`,
      { cause },
    );
  }
}
