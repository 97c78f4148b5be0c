import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface ReceivedNotice {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, string>>;
}

/** A real HTTP server that takes notices. */
export class Webhook {
  readonly received: ReceivedNotice[] = [];
  /** Status of the replies to come; 200 when there is none left. */
  readonly statuses: number[] = [];
  private readonly server: Server = createServer((request, response) => {
    void json(request).then((body) => {
      const status = this.statuses.shift() ?? 200;
      if (status < 300) this.received.push({ headers: request.headers, body: body as Record<string, string> });
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:9/' } : {});
      response.end();
    });
  });

  static async start(): Promise<Webhook> {
    const webhook = new Webhook();
    webhook.server.listen(0, '127.0.0.1');
    await once(webhook.server, 'listening');
    return webhook;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/services/T000/B000/a-secret-path`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
