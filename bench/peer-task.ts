import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pickPort } from '../services/local/free-port';
import { projectDir } from '../services/local/paths';
import { killContender, runContender, type Contender, type ContenderJob } from './contender-run';
import type { JudgeLoad } from './judge-load';
import type { PeerResult, PeerSettings, PeerTask } from './peer-results';
import { ProcessGroup } from './process-group';
import { StackProcess } from './stack-process';

const POLL_MS = 50;
const READY_TIMEOUT_MS = 10_000;

/**
 * Measures one client once, with an endpoint process of its own, so that none finds what another has left there.
 * @returns its figures, or how it failed
 * @throws when the endpoint ends
 */
export async function measureTask(
  task: PeerTask,
  {
    contender,
    load,
    work,
    latencyMs,
    timeoutMs,
  }: Omit<PeerSettings, 'cpu'> & { readonly contender: Contender; readonly load: JudgeLoad; readonly work: string },
): Promise<PeerResult> {
  const port = await pickPort(0);
  const endpoint = new StackProcess({
    name: 'endpoint',
    command: process.execPath,
    logFile: join(work, 'endpoint.log'),
    args: [join(projectDir(), 'dist', 'bench', 'endpoint.js'), '--port', String(port), '--latency-ms', String(latencyMs)],
  });
  endpoint.start();
  const stop = (): void => void Promise.all([ProcessGroup.killAll(), endpoint.stop()]).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const job: ContenderJob = {
      contender,
      inFlight: task.inFlight,
      url: `http://127.0.0.1:${port}`,
      load,
      timeoutMs,
      folder: join(work, 'client'),
    };
    await Promise.race([endpoint.failure, untilAnswering(job.url)]);
    return await Promise.race([endpoint.failure, outcomeOf(task, job)]);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await ProcessGroup.killAll();
    await endpoint.stop();
  }
}

async function outcomeOf(task: PeerTask, job: ContenderJob): Promise<PeerResult> {
  try {
    return task.what === 'run' ? { ...task, figures: await runContender(job) } : { ...task, kill: await killContender(job) };
  } catch (error) {
    return { ...task, failed: (error as Error).message };
  }
}

async function untilAnswering(url: string): Promise<void> {
  for (const deadline = performance.now() + READY_TIMEOUT_MS; ;) {
    const answered = await fetch(`${url}/stats`).then(
      async (response) => await response.arrayBuffer(),
      () => undefined,
    );
    if (answered !== undefined) return;
    if (performance.now() > deadline) throw new Error(`the endpoint at ${url} does not answer`);
    await sleep(POLL_MS);
  }
}
