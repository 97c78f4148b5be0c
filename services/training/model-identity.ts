import { basename, dirname } from 'node:path/posix';
import { sha256 } from '../../stages/sha256';
import type { OutputFile } from '../store/stage-store';

/** What a model's answers depend on: weights, configuration, tokenizer, chat template. As in python/rehearse_ml/weights.py. */
export const CONTENT_EXTENSIONS = ['safetensors', 'json', 'jinja', 'model', 'txt'] as const;

/**
 * SHA-256 of all that a stored model is, from the hashes of its files: what `sha256sum FILES | sha256sum` gives in its
 * folder, and what Python says of the same files anywhere.
 * @param folder that the files lie in, below their output's
 */
export function modelSha256(files: readonly OutputFile[], folder: string): string {
  const own = files.filter(
    ({ file }) =>
      dirname(file) === folder && CONTENT_EXTENSIONS.some((extension) => file.endsWith(`.${extension}`)) && !basename(file).startsWith('.'),
  );
  const lines = own.map(({ file, sha256: hash }) => [basename(file), hash] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(lines.map(([name, hash]) => `${hash}  ${name}\n`).join(''));
}
