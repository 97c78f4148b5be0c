import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import * as root from '@opentelemetry/otlp-transformer/build/src/generated/root';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface WireSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface WireRequest {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[] }[];
}

/** OTLP's own schema, of which the package has no types. */
const { ExportTraceServiceRequest } = (
  root as unknown as {
    opentelemetry: { proto: { collector: { trace: { v1: { ExportTraceServiceRequest: { decode(bytes: Uint8Array): WireRequest } } } } } };
  }
).opentelemetry.proto.collector.trace.v1;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A local collector: takes spans by OTLP over HTTP. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  /** All bytes that came, as text. */
  bytes = '';
  private readonly server: Server = createServer((request, response) => {
    void buffer(request).then((body) => {
      this.headers.push(request.headers);
      this.bytes += body.toString('latin1');
      for (const { scopeSpans } of ExportTraceServiceRequest.decode(body).resourceSpans) {
        for (const { spans } of scopeSpans) this.spans.push(...spans.map(read));
      }
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Names of a span and of what it is part of, from the outermost in. */
  pathTo(span: ReceivedSpan): string[] {
    const parent = this.spans.find(({ spanId }) => spanId === span.parentSpanId);
    return [...(parent === undefined ? [] : this.pathTo(parent)), span.name];
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

function read({ traceId, spanId, parentSpanId, name, attributes }: WireSpan): ReceivedSpan {
  return {
    traceId: hex(traceId),
    spanId: hex(spanId),
    parentSpanId: hex(parentSpanId ?? new Uint8Array()),
    name,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value['stringValue'] ?? value['intValue']])),
  };
}
