import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryInternalsInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/workflow';
import type { Next, QueryInput, WorkflowInboundCallsInterceptor, WorkflowInterceptors } from '@temporalio/workflow';

/** Spans of what a workflow does, but not of being looked at: `status --watch` asks every second. */
class WorkSpans extends OpenTelemetryInboundInterceptor {
  override async handleQuery(input: QueryInput, next: Next<WorkflowInboundCallsInterceptor, 'handleQuery'>): Promise<unknown> {
    return await next(input);
  }
}

/** Bundled with the workflows where they are traced. */
export const interceptors = (): WorkflowInterceptors => ({
  inbound: [new WorkSpans()],
  outbound: [new OpenTelemetryOutboundInterceptor()],
  internals: [new OpenTelemetryInternalsInterceptor()],
});
