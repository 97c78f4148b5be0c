import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** First executable file of this name in PATH. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      if (folder !== '' && statSync(file).isFile()) {
        accessSync(file, constants.X_OK);
        return file;
      }
    } catch {
      continue; // not here, or not ours to run
    }
  }
  return undefined;
}
