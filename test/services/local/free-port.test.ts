import { createServer, type AddressInfo } from 'node:net';
import { pickPort } from '../../../services/local/free-port';

async function listening() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: async () => await new Promise((resolve) => server.close(resolve)) };
}

test('a port that is taken is replaced by a free one, and chosen again once it is free', async () => {
  const taken = await listening();
  const other = await pickPort(taken.port);
  expect(other).not.toBe(taken.port);
  expect(other).toBeGreaterThan(0);
  await taken.close();
  expect(await pickPort(taken.port)).toBe(taken.port);
});
