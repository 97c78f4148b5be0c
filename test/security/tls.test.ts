import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificates, serverOptions } from '../support/certificates';
import { rehearse } from '../support/rehearse';
import { useTempFolder } from '../support/temp-folder';
import { useTemporal } from '../support/temporal';

const environment = useTemporal();
const folder = useTempFolder();

test('commands and workers reach a server that asks for a certificate and has one of a CA of its own', async () => {
  const certificates = makeCertificates(folder());
  const [host = '', port] = environment().address.split(':');
  // What stands before a self-hosted server, or Temporal Cloud: TLS, and no word without a certificate.
  const proxy = createTlsServer(
    { ...serverOptions(certificates), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (socket) => {
      const upstream = connect(Number(port), host);
      socket.pipe(upstream).pipe(socket);
      for (const side of [socket, upstream]) side.on('error', () => undefined);
    },
  );
  proxy.on('tlsClientError', () => undefined);
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  try {
    const env = {
      TEMPORAL_ADDRESS: `localhost:${(proxy.address() as AddressInfo).port}`,
      TEMPORAL_TLS: 'true',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.ca,
      TEMPORAL_TLS_CLIENT_CERT_PATH: certificates.client.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: certificates.client.key,
    };
    expect(await rehearse(['list', '--json'], { home: folder(), env })).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
    const { TEMPORAL_TLS_CLIENT_CERT_PATH: _cert, TEMPORAL_TLS_CLIENT_KEY_PATH: _key, ...without } = env;
    expect((await rehearse(['cancel', 'x'], { home: folder(), env: without })).code).toBe(3);

    const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(['worker', '--queue', 'cpu']);`;
    const worker = spawn(process.execPath, ['-r', resolve('test/support/ts-hook.cjs'), '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env, REHEARSE_HOME: folder() },
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: worker.stderr })) {
      lines.push(line);
      if (line.includes('workers are ready')) worker.kill('SIGTERM');
    }
    expect(lines.at(-1)).toContain('workers have stopped');
  } finally {
    proxy.close();
  }
});

test('model endpoints with a CA of one’s own are called where NODE_EXTRA_CA_CERTS names it, and not without', async () => {
  const certificates = makeCertificates(folder());
  const server = createHttpsServer(serverOptions(certificates), (_, response) =>
    response.end(
      JSON.stringify({ choices: [{ text: 'hello', finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const program = `
    require(${JSON.stringify(resolve('test/support/ts-hook.cjs'))});
    const { Endpoints } = require(${JSON.stringify(resolve('services/endpoints/endpoints.ts'))});
    const { modelSpec } = require(${JSON.stringify(resolve('test/support/model-spec.ts'))});
    const client = new Endpoints({}).client('a', modelSpec({ baseURL: process.argv[1] }));
    client.call({ path: 'completions', body: { prompt: 'x' }, tokenEstimate: 1 }, { signal: new AbortController().signal }).then(
      ({ text }) => { console.log(text); process.exit(0); },
      (error) => { console.log(error.message); process.exit(1); },
    );`;
  const call = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const child = spawn(process.execPath, ['-e', program, `https://localhost:${(server.address() as AddressInfo).port}/v1`], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return await text(child.stdout);
  };
  try {
    expect(await call({ NODE_EXTRA_CA_CERTS: certificates.ca })).toContain('hello');
    expect(await call({})).toMatch(/certificate/);
  } finally {
    server.close();
  }
});
