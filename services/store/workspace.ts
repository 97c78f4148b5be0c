import { resolve } from 'node:path';
import { pathInside } from './artifact-store';

/**
 * A directory of this machine for what needs files: journals, the trainer, the evaluator. Where the store is a directory
 * too, they are one and the same, and what is made here is stored already.
 */
export class Workspace {
  private readonly root: string;
  /** Whether the store's files are those of this directory. */
  readonly isStore: boolean;

  constructor(options: { readonly root: string; readonly isStore: boolean }) {
    this.root = resolve(options.root);
    this.isStore = options.isStore;
  }

  /** Absolute path on this machine of a store's path. @throws Error when the path is not allowed */
  path(path: string): string {
    return pathInside(this.root, path);
  }
}
