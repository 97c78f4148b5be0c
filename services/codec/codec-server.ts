import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { sha256 } from '../../stages/sha256';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Origins of Web UIs, such as `http://127.0.0.1:8233`, whose pages may ask. */
  readonly origins: readonly string[];
  /** What requests must carry as `Authorization: Bearer`; without it, whoever reaches the port may ask. */
  readonly token?: string;
}

export interface CodecServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Payload as JSON: bytes are base64 (Temporal's codec-server protocol). */
interface JsonPayload {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

/** More than the server lets a message hold. */
const MOST_BYTES = 16 << 20;

/**
 * Decodes payloads for Temporal's Web UI and command line: `POST /decode` and `POST /encode` with `{"payloads": […]}`. See
 * https://docs.temporal.io/codec-server.
 */
export async function startCodecServer({ codec, host, port, origins, token }: CodecServerOptions): Promise<CodecServer> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) =>
      reply(response, 400, { message: error instanceof Error ? error.message : 'bad request' }),
    );
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (!origins.includes(origin)) return reply(response, 403, { message: `the origin ${origin} may not ask; allow it with --origin` });
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-headers', 'authorization, content-type, x-namespace');
      response.setHeader('access-control-allow-methods', 'POST, OPTIONS');
      response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('vary', 'origin');
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    if (request.method !== 'POST') return reply(response, 405, { message: 'POST only' });
    if (token !== undefined && !isSame(request.headers.authorization ?? '', `Bearer ${token}`)) {
      return reply(response, 401, { message: 'the token is missing or wrong' });
    }
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    if (pathname !== '/decode' && pathname !== '/encode') return reply(response, 404, { message: 'there are /decode and /encode' });
    const { payloads = [] } = JSON.parse(await bodyOf(request)) as { payloads?: readonly JsonPayload[] };
    const given = payloads.map(fromJson);
    const made = pathname === '/decode' ? await codec.decode(given) : await codec.encode(given);
    reply(response, 200, { payloads: made.map(toJson) });
  }

  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw new Error(`the request is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fromJson({ metadata = {}, data }: JsonPayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data ?? '', 'base64'),
  };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  return { metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])), data: text(data) };
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** In a time that does not tell how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(wanted)));
}
