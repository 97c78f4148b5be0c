import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { StackProcess } from '../../bench/stack-process';
import { pickPort } from '../../services/local/free-port';
import { DEV_SERVER_TRIES, devServerArgs, probeServer } from '../../services/local/temporal-server';

const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

/**
 * A dev server of a test's own, in an environment that ends it with itself. The SDK's `createLocal` gives a server five
 * seconds to come up, which a busy machine does not always manage.
 * @param binary path of the `temporal` command
 */
export async function startDevServer(binary: string): Promise<TestWorkflowEnvironment> {
  for (let triesLeft = DEV_SERVER_TRIES - 1; ; triesLeft--) {
    const server = await startOnce(binary);
    if ('environment' in server) return server.environment;
    if (triesLeft === 0) throw server.error;
  }
}

async function startOnce(binary: string): Promise<{ readonly environment: TestWorkflowEnvironment } | { readonly error: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-temporal-'));
  const port = await pickPort(0);
  const address = `127.0.0.1:${port}`;
  const server = new StackProcess({
    name: 'Temporal dev server',
    command: binary,
    args: [...devServerArgs({ dbFile: join(folder, 'temporal.sqlite'), port, searchAttributes: {} }), '--headless'],
    logFile: join(folder, 'server.log'),
    sameGroup: true,
  });
  const end = async (): Promise<void> => {
    await server.kill(); // nobody needs what it would write at its end
    rmSync(folder, { recursive: true, force: true });
  };
  server.start();
  try {
    await Promise.race([untilReady(address), server.failure]);
  } catch (error) {
    await end();
    return { error };
  }
  const environment = await TestWorkflowEnvironment.createFromExistingServer({ address });
  const close = environment.teardown.bind(environment);
  environment.teardown = async () => {
    try {
      await close();
    } finally {
      await end();
    }
  };
  return { environment };
}

async function untilReady(address: string): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await probeServer(address);
      return;
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`the Temporal server at ${address} does not answer`, { cause });
      await sleep(POLL_MS);
    }
  }
}
