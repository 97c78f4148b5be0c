import { join } from 'node:path';
import { projectDir } from './paths';

/**
 * Node's options for processes that call models; bin/rehearse.js and deploy/Dockerfile have the same. A call in flight lives longer than Node's
 * 16 MB of young objects last at some thousand calls a second, so most would be copied twice for nothing (bench/README.md has figures).
 */
export const NODE_OPTIONS: readonly string[] = ['--max-semi-space-size=64'];

/** Arguments for Node itself that run the command line in a process of its own. */
export function rehearseArgs(...args: readonly string[]): string[] {
  return [...NODE_OPTIONS, join(projectDir(), 'bin', 'rehearse.js'), ...args];
}
