import { context, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { ModelSpec } from '../../config/spec';
import type { CallOutcome, ModelClient } from './model-client';
import { readUsage } from './reply-usage';

/** Which of the calls of a traced run get a span. */
export interface CallTracing {
  /** From 0 to 1. */
  readonly share: number;
  readonly random?: () => number;
}

const CHAT = 'chat/completions';

/**
 * The client, with a span for some of its calls, from their wait for the limiter to the reply. Names follow OpenTelemetry's conventions for generative AI
 * clients; there is no text in them. Where the work that calls is not traced, no call is.
 */
export function tracedClient(
  client: ModelClient,
  { baseURL, model }: ModelSpec,
  { share, random = Math.random }: CallTracing,
): ModelClient {
  const tracer = trace.getTracer('rehearse');
  const { hostname, port } = new URL(baseURL);
  return {
    ...client,
    async call(request, options) {
      if (trace.getActiveSpan()?.isRecording() !== true || random() >= share) return await client.call(request, options);
      const operation = request.path === CHAT ? 'chat' : 'text_completion';
      const span = tracer.startSpan(`${operation} ${model}`, {
        kind: SpanKind.CLIENT,
        attributes: {
          'gen_ai.operation.name': operation,
          'gen_ai.request.model': model,
          'server.address': hostname,
          ...(port === '' ? {} : { 'server.port': Number(port) }),
        },
      });
      try {
        const outcome = await context.with(
          trace.setSpan(context.active(), span),
          async () =>
            await client.call(request, {
              ...options,
              onTransient: async (failure) => {
                span.addEvent('fault', { 'rehearse.fault': failure.kind });
                await options.onTransient?.(failure);
              },
            }),
        );
        tell(span, outcome);
        return outcome;
      } catch (error) {
        fail(span, error instanceof Error ? error.name : 'unknown');
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

function tell(span: Span, outcome: CallOutcome): void {
  if ('reply' in outcome) {
    const usage = readUsage(outcome.reply);
    if (usage !== undefined) {
      span.setAttributes({ 'gen_ai.usage.input_tokens': usage.promptTokens, 'gen_ai.usage.output_tokens': usage.completionTokens });
    }
    span.setAttribute('rehearse.outcome', 'answered');
  } else if ('refusal' in outcome) {
    fail(span, outcome.refusal.kind);
  } else {
    span.setAttribute('rehearse.outcome', 'set aside');
  }
}

function fail(span: Span, type: string): void {
  span.setAttributes({ 'rehearse.outcome': 'failed', 'error.type': type });
  span.setStatus({ code: SpanStatusCode.ERROR });
}
