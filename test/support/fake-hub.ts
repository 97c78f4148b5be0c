import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface Repository {
  isPrivate: boolean;
  readonly files: Map<string, Buffer>;
  readonly commits: string[];
}

/** The part of the Hugging Face hub's API that a push of a data set or a model uses: repositories, preupload, LFS and commits. */
export class FakeHub {
  readonly repositories = new Map<string, Repository>();
  private readonly lfs = new Map<string, Buffer>();

  private constructor(
    private readonly server: Server,
    private readonly token: string,
    private readonly owner: string,
  ) {}

  /** @param owner the only name under which the token may write */
  static async start(token: string, owner: string): Promise<FakeHub> {
    const server = createServer();
    const hub = new FakeHub(server, token, owner);
    server.on('request', (request, response) => void hub.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const path = request.url ?? '';
    const reply = (status: number, content: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));

    const upload = /^\/lfs\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (upload !== undefined) {
      if (createHash('sha256').update(body).digest('hex') !== upload) return reply(400, { error: 'not what its hash says' });
      this.lfs.set(upload, body);
      return void response.writeHead(200).end();
    }
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      return reply(401, { error: `Invalid credentials: ${request.headers.authorization ?? 'none'}` });
    }
    if (path === '/api/repos/create') {
      const { organization, name, visibility } = JSON.parse(body.toString()) as { organization: string; name: string; visibility: string };
      if (organization !== this.owner) return reply(403, { error: `You don't have the rights to create a dataset under ${organization}` });
      const id = `${organization}/${name}`;
      if (this.repositories.has(id)) return reply(409, { error: 'You already created this dataset repo' });
      this.repositories.set(id, { isPrivate: visibility === 'private', files: new Map(), commits: [] });
      return reply(200, { url: `${this.url}/datasets/${id}`, name: id, id: '1' });
    }
    const id =
      /\/(?:datasets|models)\/([\w.-]+\/[\w.-]+?)(?:\.git)?(?:[/?]|$)/.exec(path)?.[1] ??
      /^\/([\w.-]+\/[\w.-]+?)\.git\//.exec(path)?.[1] ??
      '';
    const repository = this.repositories.get(id);
    if (repository === undefined) return reply(404, { error: 'Repository not found' });
    if (path.includes('/preupload/')) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
      return reply(200, {
        files: files.map((file) => ({
          path: file.path,
          uploadMode: /\.(parquet|safetensors)$/.test(file.path) ? 'lfs' : 'regular',
          shouldIgnore: false,
        })),
      });
    }
    if (path.endsWith('/info/lfs/objects/batch')) {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      return reply(200, {
        transfer: 'basic',
        objects: objects.map((object) => ({
          ...object,
          authenticated: true,
          actions: { upload: { href: `${this.url}/lfs/${object.oid}`, header: {} } },
        })),
      });
    }
    if (path.includes('/commit/')) {
      for (const { key, value } of body
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> })) {
        if (key === 'header') repository.commits.push(value['summary']!);
        if (key === 'file') repository.files.set(value['path']!, Buffer.from(value['content']!, 'base64'));
        if (key === 'lfsFile') repository.files.set(value['path']!, this.lfs.get(value['oid']!)!);
      }
      return reply(200, { success: true, commitOid: 'c0ffee', commitUrl: `${this.url}/datasets/${id}/commit/c0ffee`, hookOutput: '' });
    }
    return reply(200, {
      _id: '1',
      id,
      private: repository.isPrivate,
      downloads: 0,
      likes: 0,
      gated: false,
      lastModified: '2026-11-03T00:00:00.000Z',
    });
  }
}
