import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenizerFacts } from '../../templates/read-template';
import { factsOfGguf } from './gguf-file';
import { TemplateNotReadError } from './template-error';
import { factsOfFiles } from './tokenizer-files';

/**
 * Reads a chat template from a GGUF file, or from a directory: of tokenizer files, or with one GGUF file in it.
 * @throws TemplateNotReadError with what is not there
 */
export async function factsOfPath(path: string): Promise<TokenizerFacts> {
  let entries: string[] | undefined;
  try {
    entries = (await stat(path)).isDirectory() ? await readdir(path) : undefined;
  } catch (cause) {
    throw new TemplateNotReadError(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, false, { cause });
  }
  if (entries === undefined) return await factsOfGguf(path);
  const models = entries.filter((name) => name.endsWith('.gguf') && !name.startsWith('mmproj'));
  const hasTokenizer = ['tokenizer_config.json', 'tokenizer.json', 'chat_template.jinja'].some((name) => entries.includes(name));
  if (!hasTokenizer && models.length > 0) return await factsOfGguf(join(path, models.sort()[0]!));
  return await factsOfFiles(async (name) => await readIfThere(join(path, name)), { kind: 'directory', place: path });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TemplateNotReadError(`${path} cannot be read (${String((cause as Error).message)})`, false, { cause });
  }
}
