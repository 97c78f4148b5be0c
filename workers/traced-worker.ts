import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../services/tracing/tracing';

/** What a worker needs for spans of its workflows and activities. */
export type TracedWorker = Pick<WorkerOptions, 'interceptors' | 'sinks'>;

/** Options of a worker whose workflows and activities have spans, as children of those of whoever started them. */
export async function tracedWorker({ processor, resource }: Tracing): Promise<TracedWorker> {
  const { makeWorkflowExporter, OpenTelemetryActivityInboundInterceptor } = await import('@temporalio/interceptors-opentelemetry');
  return {
    interceptors: {
      activity: [(context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) })],
      workflowModules: [require.resolve('./workflow-spans')],
    },
    sinks: { exporter: makeWorkflowExporter(processor, resource) },
  };
}

/** Hands the trace of whoever starts a workflow on to it. */
export async function tracedStarts(): Promise<WorkflowClientInterceptor[]> {
  const { OpenTelemetryWorkflowClientInterceptor } = await import('@temporalio/interceptors-opentelemetry');
  return [new OpenTelemetryWorkflowClientInterceptor()];
}
