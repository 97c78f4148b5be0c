import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { APIConnectionTimeoutError, APIError } from 'openai';
import { createEndpointTransport } from '../../../services/endpoints/endpoint-transport';

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

function post(
  path = '/v1/x',
  { body = '{}', timeoutMs = 10_000, maxBytes = 10_000, transport = createEndpointTransport() } = {},
): Promise<string> {
  return transport.post({
    origin: url,
    path,
    headers: ['content-type', 'application/json', 'authorization', 'Bearer k'],
    body,
    timeoutMs,
    maxBytes,
  });
}

test('path with its query, headers and body arrive, and the text of the reply comes back', async () => {
  let seen: unknown;
  handle = async (request, response) => {
    const { 'content-type': type, authorization } = request.headers;
    seen = { method: request.method, url: request.url, type, authorization, body: await text(request) };
    response.end('{"ok":"✓"}');
  };
  expect(await post('/v1/x?y=1', { body: '{"a":"✓"}' })).toBe('{"ok":"✓"}');
  expect(seen).toEqual({ method: 'POST', url: '/v1/x?y=1', type: 'application/json', authorization: 'Bearer k', body: '{"a":"✓"}' });
});

test('a reply that comes in pieces is put together, also within a character', async () => {
  const whole = Buffer.from('{"a":"✓"}');
  handle = (_request, response) => {
    response.writeHead(200, { 'content-length': whole.length });
    response.write(whole.subarray(0, 7), () => response.end(whole.subarray(7)));
  };
  expect(await post()).toBe('{"a":"✓"}');
});

test('a byte order mark before the JSON is left out', async () => {
  handle = (_request, response) => void response.end('\uFEFF{}');
  expect(await post()).toBe('{}');
});

test('another status is an error with the headers and the words of the endpoint', async () => {
  handle = (_request, response) => {
    response
      .writeHead(429, { 'retry-after': '7', 'set-cookie': ['b=1', 'c=2'] })
      .end('{"error":{"message":"slow down","code":"rate_limit"}}');
  };
  const error: unknown = await post().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ status: 429, message: '429 slow down', code: 'rate_limit' });
  expect((error as APIError).headers?.get('retry-after')).toBe('7');
});

test('a reply without a body is empty text', async () => {
  handle = (_request, response) => void response.writeHead(204).end();
  expect(await post()).toBe('');
});

test('a redirect is an error, and nobody goes there', async () => {
  const paths: (string | undefined)[] = [];
  handle = (request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: `${url}/elsewhere` }).end();
  };
  await expect(post()).rejects.toMatchObject({ status: 302 });
  expect(paths).toEqual(['/v1/x']);
});

test('the time is up for a reply that has begun but does not end, and its connection is closed', async () => {
  const closed = new Promise<void>((resolve) => {
    handle = (request, response) => {
      request.socket.once('close', () => resolve());
      response.writeHead(200, { 'content-length': 10 }).write('12345');
    };
  });
  await expect(post('/v1/x', { timeoutMs: 50 })).rejects.toThrow(APIConnectionTimeoutError);
  await closed;
});

test('calls one after the other use the connections that are there', async () => {
  const ports = new Set<number | undefined>();
  handle = (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
  };
  const transport = createEndpointTransport();
  for (let call = 0; call < 20; call++) await post('/v1/x', { transport });
  expect(ports.size).toBeLessThan(5); // a connection may be busy for a moment after its reply was read
});

describe('a body that is longer than a reply can be', () => {
  test('and never ends is read no further, and its connection is closed', async () => {
    const closed = new Promise<void>((resolve) => {
      handle = (request, response) => {
        const chunk = 'x'.repeat(16_384);
        const pour = (): void => {
          while (!response.destroyed && response.write(chunk));
          if (!response.destroyed) response.once('drain', pour);
        };
        request.socket.once('close', () => resolve());
        pour();
      };
    });
    await expect(post('/v1/x', { maxBytes: 50_000 })).rejects.toThrow(
      /^the reply has \d+ bytes or more, and what was asked for takes 50000 at most$/,
    );
    await closed;
  });

  test('is refused by the length that it announces', async () => {
    handle = (_request, response) => void response.writeHead(200, { 'content-length': 1_000_000_000 }).write('{');
    await expect(post()).rejects.toMatchObject({ name: 'SyntaxError', message: expect.stringContaining('1000000000 bytes') });
  });

  test('of an error is cut: the status is what counts', async () => {
    handle = (_request, response) => void response.writeHead(500).write('x'.repeat(200_000));
    await expect(post()).rejects.toMatchObject({ status: 500 });
  });

  test('may be as long as was allowed', async () => {
    handle = (_request, response) => void response.end('x'.repeat(10_000));
    expect(await post()).toHaveLength(10_000);
  });
});
