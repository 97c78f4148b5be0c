import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { toldSpans } from './told-spans';

/** Spans of this process, on their way to a collector. */
export interface Tracing {
  readonly processor: SpanProcessor;
  readonly resource: Resource;
  /** The part of a traced run's model calls that get a span of their own. */
  readonly callShare: number;
  /** Sends what is left, for as long as that takes within reason. */
  close(): Promise<void>;
}

/** A run of the paper's size makes 3.7 million calls. */
const CALL_SHARE = 0.01;
const CLOSE_WITHIN_MS = 3_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Begins to send spans by OTLP where OpenTelemetry's own variables name a collector; undefined, and nothing is loaded, where they do not. Which runs
 * are traced say `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`; which of their model calls, `REHEARSE_TRACE_CALLS`. Once a process.
 * @param onProblem told of spans that could not be sent; work goes on
 * @throws Error for a variable that asks for what is not there
 */
export async function openTracing(env: Environment, release: string, onProblem: (problem: string) => void): Promise<Tracing | undefined> {
  const callShare = shareOf(env['REHEARSE_TRACE_CALLS']);
  if (!isWanted(env)) return undefined;
  const [{ diag, DiagLogLevel }, { BatchSpanProcessor, NodeTracerProvider }, resources, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const ignored = (): void => undefined;
  diag.setLogger(
    { error: onProblem, warn: onProblem, info: ignored, debug: ignored, verbose: ignored },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // From the environment alone: the other detectors would tell the command line and the host.
  const named = resources.detectResourcesSync({ detectors: [resources.envDetectorSync] });
  const resource = new resources.Resource({ 'service.name': 'rehearse', 'service.version': release }).merge(named);
  const processor = new BatchSpanProcessor(toldSpans(new OTLPTraceExporter()));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    processor,
    resource,
    callShare,
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_WITHIN_MS);
      });
      await Promise.race([provider.shutdown().catch((error: unknown) => onProblem(String(error))), late]);
      clearTimeout(timer);
    },
  };
}

/** @throws Error for an exporter or a protocol that is not there */
function isWanted(env: Environment): boolean {
  const said = (name: string): string => env[name]?.trim() ?? '';
  if (said('OTEL_SDK_DISABLED').toLowerCase() === 'true') return false;
  const exporter = said('OTEL_TRACES_EXPORTER');
  if (exporter === 'none') return false;
  const isNamed = said('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== '' || said('OTEL_EXPORTER_OTLP_ENDPOINT') !== '';
  if (!isNamed && exporter === '') return false;
  if (exporter !== '' && exporter !== 'otlp') {
    throw new Error(`OTEL_TRACES_EXPORTER is ${JSON.stringify(exporter)}; spans are sent as otlp, or with none not at all`);
  }
  const name = said('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') === '' ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
  const protocol = said(name);
  if (protocol !== '' && protocol !== 'http/protobuf') {
    throw new Error(`${name} is ${JSON.stringify(protocol)}; spans are sent as http/protobuf, which collectors take on port 4318`);
  }
  return true;
}

/** @throws Error for what is no number from 0 to 1 */
function shareOf(value: string | undefined): number {
  if (value === undefined || value === '') return CALL_SHARE;
  const share = Number(value);
  if (!(share >= 0 && share <= 1)) {
    throw new Error(`REHEARSE_TRACE_CALLS is ${JSON.stringify(value)}, expected the part of model calls that get a span, from 0 to 1`);
  }
  return share;
}
