import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createEndpointFetch } from '../../services/endpoint-fetch';

let server: Server;
let url: string;
let handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

beforeAll(async () => {
  server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('method, path with its query, headers and body arrive, and the reply comes back', async () => {
  let seen: unknown;
  handle = async (request, response) => {
    seen = { method: request.method, url: request.url, type: request.headers['content-type'], body: await text(request) };
    response.writeHead(418, { 'x-one': 'a', 'set-cookie': ['b=1', 'c=2'], 'content-type': 'application/json' });
    response.end('{"ok":"✓"}');
  };
  const response = await createEndpointFetch()(new URL(`${url}/v1/x?y=1`), { method: 'POST', headers: new Headers({ 'Content-Type': 'application/json' }), body: '{"a":"✓"}' });
  expect(seen).toEqual({ method: 'POST', url: '/v1/x?y=1', type: 'application/json', body: '{"a":"✓"}' });
  expect(response.status).toBe(418);
  expect(response.ok).toBe(false);
  expect(response.headers.get('x-one')).toBe('a');
  expect(response.headers.getSetCookie()).toEqual(['b=1', 'c=2']);
  expect(await response.json()).toEqual({ ok: '✓' });
});

test.each([204, 304])('a reply without a body (%d) is a reply', async (status) => {
  handle = (_request, response) => void response.writeHead(status).end();
  const response = await createEndpointFetch()(url);
  expect(response.status).toBe(status);
  expect(await response.text()).toBe('');
});

test('a redirect comes back as it is', async () => {
  handle = (_request, response) => void response.writeHead(302, { location: `${url}/elsewhere` }).end();
  expect((await createEndpointFetch()(url)).status).toBe(302);
});

test('the signal ends a reply that has begun but does not end', async () => {
  const controller = new AbortController();
  handle = (_request, response) => void response.writeHead(200, { 'content-length': 10 }).write('12345', () => controller.abort());
  await expect(createEndpointFetch()(url, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
});

test('calls one after the other use the connections that are there', async () => {
  const ports = new Set<number | undefined>();
  handle = (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
  };
  const fetch = createEndpointFetch();
  for (let call = 0; call < 20; call++) await (await fetch(url)).text();
  expect(ports.size).toBeLessThan(5); // a connection may be busy for a moment after its reply was read
});

test('a body that is no text is refused instead of being left out', async () => {
  await expect(createEndpointFetch()(url, { method: 'POST', body: new Uint8Array([1]) })).rejects.toThrow('only text can be sent');
});
