import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP way to a server that can be cut and mended, so that a client sees the server go away and come back. */
export class Detour {
  private server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: { readonly host: string; readonly port: number },
    private port = 0,
  ) {
    this.server = this.open();
  }

  /** @param address host:port of the server */
  static async to(address: string): Promise<Detour> {
    const [host = '', port = ''] = address.split(':');
    const detour = new Detour({ host, port: Number(port) });
    await detour.mend();
    return detour;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks all connections and takes no new ones. */
  cut(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Listens (again), on the same port. */
  async mend(): Promise<void> {
    if (this.server.listening) return;
    this.server = this.open();
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private open(): Server {
    return createServer((incoming) => {
      const outgoing = connect(this.target);
      for (const socket of [incoming, outgoing]) {
        this.sockets.add(socket);
        socket.on('error', () => socket.destroy()); // a cut is meant
        socket.on('close', () => {
          this.sockets.delete(socket);
          incoming.destroy();
          outgoing.destroy();
        });
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
  }
}
