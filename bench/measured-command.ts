import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectDir } from '../services/local/paths';
import { StackProcess } from './stack-process';

export interface CommandFigures {
  readonly seconds: number;
  readonly peakRssBytes: number;
}

const POLL_MS = 100;

/** Runs one `rehearse` command over a data folder. @throws Error with its output's end when it fails */
export async function measureCommand({
  home,
  args,
  logFile,
  address,
}: {
  readonly home: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly address: string;
}): Promise<CommandFigures> {
  const command = new StackProcess({
    name: `rehearse ${args[0]}`,
    command: process.execPath,
    args: [join(projectDir(), 'bin', 'rehearse.js'), ...args],
    logFile,
    ends: true,
    env: { ...process.env, REHEARSE_HOME: home, TEMPORAL_ADDRESS: address },
  });
  const startMs = performance.now();
  command.start();
  let peakRssBytes = 0;
  let how: string | undefined;
  const end = command.ended().then((result) => (how = result));
  while (how === undefined) {
    peakRssBytes = Math.max(peakRssBytes, command.usage()?.peakRssBytes ?? 0);
    await Promise.race([end, sleep(POLL_MS)]);
  }
  if (how !== 'exit code 0') throw new Error(`rehearse ${args.join(' ')} failed (${how}):\n${command.logTail()}`);
  return { seconds: (performance.now() - startMs) / 1000, peakRssBytes };
}
