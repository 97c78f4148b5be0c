import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Folder of the project: where package.json lies, above the sources or above dist/. */
export function projectDir(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${__dirname}; Rehearse runs from its own checkout`);
    folder = parent;
  }
  return folder;
}

/** Tools, models and Python environments, which clones share: REHEARSE_CACHE, or `rehearse` in the user's cache folder. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['REHEARSE_CACHE']) return resolve(env['REHEARSE_CACHE']);
  return join(env['XDG_CACHE_HOME'] ? resolve(env['XDG_CACHE_HOME']) : join(homedir(), '.cache'), 'rehearse');
}

/** The folder itself, or the nearest above it that exists. */
export function existingFolder(folder: string): string {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

/** Whether this is a checkout and no installed package, which holds no lock file. */
function isCheckout(): boolean {
  return existsSync(join(projectDir(), 'package-lock.json'));
}

/**
 * Runs, the dev server's database and logs: REHEARSE_HOME, or `.rehearse` in a checkout. An installed package lies where npm may remove it at any
 * time; its data is in `rehearse` in the user's data folder.
 */
export function dataDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['REHEARSE_HOME']) return resolve(env['REHEARSE_HOME']);
  if (isCheckout()) return join(projectDir(), '.rehearse');
  return join(env['XDG_DATA_HOME'] ? resolve(env['XDG_DATA_HOME']) : join(homedir(), '.local', 'share'), 'rehearse');
}
