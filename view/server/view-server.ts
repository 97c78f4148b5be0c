import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refusalOf, SECURITY_HEADERS } from './guard';

export interface Answer {
  readonly status: number;
  readonly type: 'text/html' | 'text/plain' | 'text/css' | 'text/javascript' | 'application/json';
  readonly body: string;
  /** Path below the server to go on to. */
  readonly location?: string;
}

/** What a request asks for, its token taken off. */
export interface Asked {
  readonly method: 'GET' | 'POST';
  /** Parts of the path behind the token, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Of a POST: its JSON. */
  readonly body: unknown;
  /** What links begin with: the token's part of the path. */
  readonly base: string;
}

export interface ViewServer {
  /** With the token. */
  readonly url: string;
  close(): Promise<void>;
}

const TOKEN_BYTES = 24;
const MOST_BODY_BYTES = 64 << 10;

/** Serves pages on the loopback interface alone, to whoever has the token that the address holds. */
export async function startViewServer(options: {
  /** 0 picks a free one. */
  readonly port: number;
  readonly answer: (asked: Asked) => Promise<Answer>;
  readonly onError: (error: unknown) => void;
}): Promise<ViewServer> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  let port = 0;
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      options.onError(error);
      send(response, { status: 500, type: 'text/plain', body: 'This page could not be made; the terminal of "rehearse view" says why.' });
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const refusal = refusalOf({ method, url, headers }, { token, port });
    if (refusal !== undefined) return send(response, { status: refusal.status, type: 'text/plain', body: refusal.text });
    const { pathname, searchParams } = new URL(url, 'http://x');
    const path = decoded(pathname.split('/').slice(2));
    if (path === undefined) return send(response, { status: 400, type: 'text/plain', body: 'The address is malformed.' });
    const body = method === 'POST' ? await jsonBody(request) : undefined;
    if (method === 'POST' && body === undefined) return send(response, { status: 400, type: 'text/plain', body: 'This is no JSON.' });
    send(
      response,
      await options.answer({ method: method === 'POST' ? 'POST' : 'GET', path, query: searchParams, body, base: `/${token}` }),
      method === 'HEAD',
    );
  }

  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}/${token}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, { status, type, body, location }: Answer, headOnly = false): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': `${type}; charset=utf-8`,
    ...(location === undefined ? {} : { location }),
  });
  response.end(headOnly ? undefined : body);
}

/** Parts of a path; undefined when one is no UTF-8. */
function decoded(parts: readonly string[]): string[] | undefined {
  try {
    return parts.map((part) => decodeURIComponent(part)).filter((part) => part !== '');
  } catch {
    return undefined;
  }
}

/** A request's JSON; undefined when it is none, or too long. */
async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
