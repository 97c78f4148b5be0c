import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Keys of the payload codec. The first encrypts; all decrypt, so that what was written before a change of keys stays readable. */
export interface CodecKeys {
  readonly encryptWith: string;
  /** By their names, which are stored beside what they have encrypted. */
  readonly keys: ReadonlyMap<string, KeyObject>;
}

/** The environment holds no such keys. Its message never holds one. */
export class CodecKeysError extends Error {
  override readonly name = 'CodecKeysError';
}

const KEY_BYTES = 32;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const HOW = 'one NAME:KEY a line, KEY being 32 bytes in base64, such as "openssl rand -base64 32" prints';

/**
 * Keys of `REHEARSE_CODEC_KEYS`, or of the file that `REHEARSE_CODEC_KEYS_FILE` names: `NAME:BASE64` by lines or commas.
 * @returns undefined where neither is set: payloads are then stored as they are
 * @throws CodecKeysError
 */
export function codecKeys(env: Readonly<Record<string, string | undefined>>): CodecKeys | undefined {
  const file = env['REHEARSE_CODEC_KEYS_FILE'];
  const text = file ? readKeys(file) : env['REHEARSE_CODEC_KEYS'];
  if (text === undefined || text.trim() === '') {
    if (file) throw new CodecKeysError(`the file of REHEARSE_CODEC_KEYS_FILE, ${file}, holds no key; it needs ${HOW}`);
    return undefined;
  }
  const where = file ? `${file} (REHEARSE_CODEC_KEYS_FILE)` : 'REHEARSE_CODEC_KEYS';
  const keys = new Map<string, KeyObject>();
  for (const [index, entry] of entriesOf(text).entries()) {
    const colon = entry.indexOf(':');
    const name = entry.slice(0, Math.max(0, colon)).trim();
    const bytes = Buffer.from(entry.slice(colon + 1).trim(), 'base64');
    if (!NAME.test(name) || bytes.length !== KEY_BYTES) {
      throw new CodecKeysError(`${where}: entry ${index + 1} is no key (its text is not shown); it needs ${HOW}`);
    }
    if (keys.has(name)) throw new CodecKeysError(`${where}: the name ${name} is there twice`);
    keys.set(name, createSecretKey(bytes));
  }
  return { encryptWith: [...keys.keys()][0]!, keys };
}

function entriesOf(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function readKeys(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CodecKeysError(
      `the file of REHEARSE_CODEC_KEYS_FILE cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}): ${file}`,
      { cause },
    );
  }
}
