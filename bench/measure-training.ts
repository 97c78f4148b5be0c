import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';

/** Runs python/measure_training.py, which takes the same arguments, with the packages that training has. */
async function main(): Promise<void> {
  const { python, env } = await ensurePython(consoleReporter());
  const script = join(projectDir(), 'python', 'measure_training.py');
  const measuring = spawn(python, [script, ...process.argv.slice(2)], { env: env as NodeJS.ProcessEnv, stdio: 'inherit' });
  const [code] = (await once(measuring, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
