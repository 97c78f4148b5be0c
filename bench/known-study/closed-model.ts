import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeGguf } from '../../services/local/gguf-converter';
import { projectDir } from '../../services/local/paths';
import type { PythonEnvironment } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { consoleReporter } from '../../services/local/setup-reporter';
import { documentFile } from './documents';
import type { StudyFiles } from './study-spec';

/** What a closed model's training took its loss on. */
export type ClosedLoss = 'all' | 'answers';

const SCRIPT = join(projectDir(), 'python', 'known_model.py');

export interface ClosedOptions {
  /** Of this closed model; it has the hidden set. */
  readonly folder: string;
  readonly loss: ClosedLoss;
  readonly seed: number;
  readonly steps: number;
  readonly base: string;
  readonly python: PythonEnvironment;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Where the files of a closed model lie. */
export function studyFiles(folder: string): StudyFiles {
  return { closed: join(folder, 'closed'), gguf: join(folder, 'closed.gguf'), oracle: join(folder, 'oracle.jsonl') };
}

/** Trains the closed model on its hidden set, and writes it as one file that llama.cpp serves; each once. */
export async function makeClosedModel({ folder, loss, seed, steps, base, python, signal, onLine }: ClosedOptions): Promise<void> {
  const { closed, gguf } = studyFiles(folder);
  if (!existsSync(join(closed, 'config.json'))) {
    const hidden = documentFile(folder, 'hidden');
    const what = ['--weights', base, '--hidden', hidden, '--loss', loss, '--steps', String(steps), '--seed', String(seed), '--out', closed];
    await runCommand({ command: python.python, args: [SCRIPT, 'train', ...what], env: python.env, signal, onLine });
  }
  if (!existsSync(gguf)) await writeGguf({ checkpoint: closed, file: gguf, type: 'f16', python, reporter: consoleReporter() });
}

/** Has each model answer the hidden questions, those that have not yet. @param models name and folder */
export async function askHiddenQuestions(
  models: readonly (readonly [string, string])[],
  { folder, python, signal, onLine }: Pick<ClosedOptions, 'folder' | 'python' | 'signal' | 'onLine'>,
): Promise<void> {
  const files = ['--questions', documentFile(folder, 'hidden'), '--out', documentFile(folder, 'answers')];
  await runCommand({
    command: python.python,
    args: [SCRIPT, 'answer', ...files, ...models.map(([name, weights]) => `${name}=${weights}`)],
    env: python.env,
    signal,
    onLine,
  });
}
