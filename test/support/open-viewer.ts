import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../services/runs/open-store';
import { startViewServer, type ViewServer } from '../../view/server/view-server';
import { Viewer } from '../../view/server/viewer';

export interface OpenViewer {
  readonly url: string;
  readonly flagFile: string;
  /** What was said of errors. */
  readonly errors: readonly unknown[];
  /** A page below the run, with the token. */
  get(path: string): Promise<{ status: number; body: string; headers: Record<string, unknown> }>;
  post(path: string, body: object, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
  /** A request as it stands: no token is added. */
  raw(options: RawRequest): Promise<{ status: number; body: string; headers: Record<string, unknown> }>;
  close(): Promise<void>;
}

export interface RawRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A viewer of a store, served as `rehearse view` serves it. */
export async function openViewer(
  place: string,
  { runId = 'demo', env = {} }: { readonly runId?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<OpenViewer> {
  const cache = await mkdtemp(join(tmpdir(), 'rehearse-view-'));
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const flagFile = join(cache, 'flags.jsonl');
  const viewer = await Viewer.open({
    opened: openStore(place, { env, workFolder: join(cache, 'work') }),
    cache: join(cache, 'views'),
    flagFile: () => flagFile,
    runId,
    now: () => new Date('2026-11-05T10:00:00Z'),
    onError,
  });
  const server: ViewServer = await startViewServer({ port: 0, answer: async (asked) => await viewer.answer(asked), onError });
  const { pathname, port } = new URL(server.url);
  const raw = async ({ path, method = 'GET', headers = {}, body }: RawRequest) =>
    await new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), headers: response.headers }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return {
    url: server.url,
    flagFile,
    errors,
    raw,
    get: async (path) => await raw({ path: `${pathname}${runId}/${path}` }),
    post: async (path, body, headers = {}) =>
      await raw({
        path: `${pathname}${runId}/${path}`,
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', origin: `http://127.0.0.1:${port}`, ...headers },
      }),
    async close() {
      await server.close();
      await viewer.close();
      await rm(cache, { recursive: true, force: true });
    },
  };
}
