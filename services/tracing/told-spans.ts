import { SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';

/** The attributes that leave the process. All others stay: workflows' would hold the memo, and so the spec; errors' words may quote a text. */
const TOLD = new Set([
  'run_id',
  'temporalWorkflowId',
  'temporalActivityId',
  'temporalUpdateId',
  'workflowId',
  'runId',
  'workflowType',
  'taskQueue',
  'namespace',
  'error.type',
  'exception.type',
  'server.address',
  'server.port',
  'gen_ai.operation.name',
  'gen_ai.request.model',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'rehearse.outcome',
  'rehearse.fault',
]);

/** An exporter that tells what, where, when and how it ended, and no text: neither what models, users or servers wrote, nor what an error says. */
export function toldSpans(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(told), done),
    shutdown: async () => await exporter.shutdown(),
    ...(exporter.forceFlush === undefined ? {} : { forceFlush: async () => await exporter.forceFlush?.() }),
  };
}

function told(span: ReadableSpan): ReadableSpan {
  // Spans of workflows come as plain objects; those of this process have their fields as getters of a class.
  const copy: ReadableSpan = Object.create(span) as ReadableSpan;
  const { status, events, attributes } = span;
  return Object.defineProperties(copy, {
    attributes: { value: toldAttributes(attributes) },
    events: { value: events.map((event) => ({ ...event, attributes: toldAttributes(event.attributes ?? {}) })) },
    status: { value: { code: status.code ?? SpanStatusCode.UNSET } },
  });
}

function toldAttributes(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => TOLD.has(name)));
}
