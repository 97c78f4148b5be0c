import { join } from 'node:path';
import { contentKey, makeOnce } from '../../services/local/make-once';
import { cacheDir, projectDir } from '../../services/local/paths';
import { ensurePython, installFiles } from '../../services/local/python-environment';
import type { SetupReporter } from '../../services/local/setup-reporter';

/** A folder for PYTHONPATH that has DuckDB's Python package; installed once for all clones. */
export async function ensureDuckdb(reporter: SetupReporter, cache = cacheDir()): Promise<string> {
  const pins = join(projectDir(), 'python', 'pins', 'duckdb.txt');
  const { python } = await ensurePython(reporter, cache);
  const folder = join(cache, 'tools', `duckdb-${contentKey(pins)}-${process.platform}-${process.arch}`);
  await makeOnce(
    folder,
    () => reporter.step('DuckDB'),
    async (step) => {
      await installFiles({ pins, target: join(folder, 'packages'), python, step, cache });
      return folder;
    },
  );
  return join(folder, 'packages');
}
