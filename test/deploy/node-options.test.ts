import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_OPTIONS } from '../../services/local/worker-command';

const read = (...path: string[]): string => readFileSync(join(__dirname, '../..', ...path), 'utf8');

describe("Node's options of worker processes", () => {
  it('are those of the installed command', () => {
    expect(read('bin', 'rehearse.js').split('\n')[0]).toBe(`#!/usr/bin/env -S node ${NODE_OPTIONS.join(' ')}`);
  });

  it('are those of the image', () => {
    expect(read('deploy', 'Dockerfile')).toContain(
      `ENTRYPOINT ${JSON.stringify(['node', ...NODE_OPTIONS, 'bin/rehearse.js']).replaceAll(',', ', ')}`,
    );
  });
});
