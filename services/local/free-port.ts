import { createServer } from 'node:net';

/** The preferred port of 127.0.0.1 when nothing listens on it, else one that the system picks. */
export async function pickPort(preferred: number): Promise<number> {
  return (
    (await listens(preferred)) ??
    (await listens(0)) ??
    Promise.reject(new Error('no port is free on 127.0.0.1; end some programs that listen there'))
  );
}

/** Binds for a moment; undefined when the port is taken or reserved. */
async function listens(port: number): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
