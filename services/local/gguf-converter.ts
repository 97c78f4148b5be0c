import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { contentKey, makeOnce } from './make-once';
import { cacheDir, projectDir } from './paths';
import { installFiles, type PythonEnvironment } from './python-environment';
import { runCommand } from './run-command';
import type { SetupReporter } from './setup-reporter';

/** How a GGUF file stores its weights; smaller ones are made of it by llama.cpp's `llama-quantize`. */
export const GGUF_TYPES = ['f32', 'f16', 'bf16', 'q8_0'] as const;
export type GgufType = (typeof GGUF_TYPES)[number];

export interface GgufOptions {
  /** Folder of the checkpoint. */
  readonly checkpoint: string;
  /** File to write; it is there whole or not at all. */
  readonly file: string;
  readonly type: GgufType;
  readonly python: PythonEnvironment;
  readonly reporter: SetupReporter;
}

/** Writes a checkpoint as GGUF with llama.cpp's converter, which is fetched once. @throws CommandError with what the converter said */
export async function writeGguf({ checkpoint, file, type, python, reporter }: GgufOptions): Promise<void> {
  const folder = await ensureConverter(python, reporter);
  const part = `${file}.part-${process.pid}.gguf`;
  try {
    await runCommand({
      command: python.python,
      args: ['-m', 'convert_hf_to_gguf', checkpoint, '--outfile', part, '--outtype', type],
      env: { ...python.env, PYTHONPATH: [folder, python.env['PYTHONPATH'] ?? ''].filter((each) => each !== '').join(':') },
    });
    if (!existsSync(part)) throw new Error(`llama.cpp's converter wrote no file of ${checkpoint}`);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}

async function ensureConverter({ python }: PythonEnvironment, reporter: SetupReporter): Promise<string> {
  const pins = join(projectDir(), 'python', 'pins', 'gguf-converter.txt');
  const folder = join(cacheDir(), 'tools', `gguf-converter-${contentKey(pins)}`);
  await makeOnce(
    folder,
    () => reporter.step('GGUF converter'),
    async (step) => {
      await installFiles({ pins, target: folder, python, step });
      return folder;
    },
  );
  return folder;
}
