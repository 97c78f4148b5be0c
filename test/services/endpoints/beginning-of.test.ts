import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { servedModels } from '../../../services/endpoints/endpoint-check';
import { engineAt } from '../../../services/endpoints/engine';
import { modelSpec } from '../../support/model-spec';

test('a list of models that never ends is read no further than a list can be', async () => {
  let sent = 0;
  const server = createServer((_request, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    expect(await servedModels({ baseURL, timeoutMs: 30_000 })).toMatchObject({
      problem: expect.stringContaining('does not answer as the OpenAI API does'),
    });
    expect(await engineAt({ name: 'm', model: modelSpec({ baseURL }), env: {}, timeoutMs: 30_000 })).toBeUndefined();
    expect(sent).toBeLessThan(100 << 20);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
