import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request to a real server, and how it went. */
export interface PassedRequest {
  readonly path: string;
  readonly body: string;
  /** Of a reply that came whole; undefined while it is in flight, and for good where the server went away. */
  status?: number;
  ended: boolean;
}

/** Passes requests on to a server, and keeps what was asked and answered. */
export class RecordingProxy {
  readonly requests: PassedRequest[] = [];
  private target = '';
  private readonly server: Server = createServer((incoming, outgoing) => void this.pass(incoming, outgoing));

  static async start(): Promise<RecordingProxy> {
    const proxy = new RecordingProxy();
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** @returns the base URL that stands for `baseURL` from now on */
  to(baseURL: string): string {
    const url = new URL(baseURL);
    this.target = url.origin;
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${url.pathname}`;
  }

  get answered(): PassedRequest[] {
    return this.requests.filter(({ status }) => status === 200);
  }

  get inFlight(): number {
    return this.requests.filter(({ ended }) => !ended).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const record: PassedRequest = { path: incoming.url ?? '', body: body.toString('utf8'), ended: false };
    this.requests.push(record);
    try {
      const sent = ask(`${this.target}${record.path}`, {
        method: incoming.method,
        headers: { ...incoming.headers, host: new URL(this.target).host },
        agent: false,
      });
      sent.end(body);
      const [reply] = (await once(sent, 'response')) as [IncomingMessage];
      const text = await buffer(reply);
      record.status = reply.statusCode ?? 0;
      outgoing
        .writeHead(record.status, { 'content-type': reply.headers['content-type'] ?? 'application/json', 'content-length': text.length })
        .end(text);
    } catch {
      outgoing.destroy(); // as the server's own connection broke
    } finally {
      record.ended = true;
    }
  }
}
