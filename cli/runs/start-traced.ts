import { Client } from '@temporalio/client';
import type { RunSpec } from '../../config/spec';
import type { RunSettings } from '../../contract/run-settings';
import { release } from '../../services/runs/worker-report';
import { openTracing } from '../../services/tracing/tracing';
import { tracedStarts } from '../../workers/traced-worker';
import { note } from '../terminal/loudness';
import { startRun, type StartedRun } from './start-run';

/** Starts a run as {@link startRun} does; where OpenTelemetry's variables name a collector, with the first span of its trace. */
export async function startTraced(client: Client, runId: string, spec: RunSpec, settings?: RunSettings): Promise<StartedRun> {
  const tracing = await openTracing(process.env, release(), (problem) => note(`spans were not sent: ${problem}`));
  if (tracing === undefined) return await startRun(client, runId, spec, settings);
  try {
    const { connection, namespace, dataConverter } = client.options;
    const traced = new Client({ connection, namespace, dataConverter, interceptors: { workflow: await tracedStarts() } });
    return await startRun(traced, runId, spec, settings);
  } finally {
    await tracing.close();
  }
}
