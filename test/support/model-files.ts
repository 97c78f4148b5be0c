import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Files of a model as its makers ship them, by name. */
export type Files = Readonly<Record<string, string>>;

export interface TokenizerDescription {
  readonly template: string;
  readonly bos?: string;
  readonly eos?: string;
  /** Special tokens, whose ids are their places. */
  readonly special: readonly string[];
  /** Added tokens that decoding keeps. */
  readonly added?: readonly string[];
  readonly addsBos?: boolean;
  readonly generation?: object;
}

/** The files that transformers 5 writes beside weights: the template in a file of its own, all tokens in tokenizer.json. */
export function tokenizerFiles({ template, bos, eos, special, added = [], addsBos = false, generation }: TokenizerDescription): Files {
  const tokens = [...special.map((content) => ({ content, special: true })), ...added.map((content) => ({ content, special: false }))];
  const single = [...(addsBos ? [{ SpecialToken: { id: bos, type_id: 0 } }] : []), { Sequence: { id: 'A', type_id: 0 } }];
  return {
    'config.json': '{}',
    'chat_template.jinja': template,
    'tokenizer_config.json': JSON.stringify({ bos_token: bos ?? null, eos_token: eos, tokenizer_class: 'PreTrainedTokenizerFast' }),
    'tokenizer.json': JSON.stringify({
      added_tokens: tokens.map((token, id) => ({ id, ...token })),
      post_processor: { type: 'Sequence', processors: [{ type: 'ByteLevel' }, { type: 'TemplateProcessing', single }] },
    }),
    ...(generation === undefined ? {} : { 'generation_config.json': JSON.stringify(generation) }),
  };
}

export function writeFiles(folder: string, files: Files): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Metadata of a GGUF file: texts, flags, lists of texts or of numbers, and single numbers (uint32). */
type Metadata = Readonly<Record<string, string | boolean | number | readonly string[] | readonly number[]>>;

/** A GGUF file of version 3 without tensors: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export function ggufFile(metadata: Metadata): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const u64 = (value: number): Buffer => Buffer.concat([u32(value), u32(0)]);
  const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const entries = Object.entries(metadata).map(([key, value]) => {
    if (typeof value === 'string') return Buffer.concat([text(key), u32(8), text(value)]);
    if (typeof value === 'boolean') return Buffer.concat([text(key), u32(7), Buffer.from([value ? 1 : 0])]);
    if (typeof value === 'number') return Buffer.concat([text(key), u32(4), u32(value)]);
    const isText = typeof value[0] === 'string';
    const items = value.map((item) => (typeof item === 'string' ? text(item) : u32(item)));
    return Buffer.concat([text(key), u32(9), u32(isText ? 8 : 5), u64(value.length), ...items]);
  });
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(entries.length), ...entries, Buffer.alloc(64)]);
}

/** The part of the hub's API that reading files of a model uses, as huggingface.co answers. */
export class FakeModelHub {
  readonly asked: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly models: Readonly<Record<string, Files>>,
    private readonly gated: Readonly<Record<string, string>>,
  ) {}

  /** @param gated by model: the token that may read it */
  static async start(models: Readonly<Record<string, Files>>, gated: Readonly<Record<string, string>> = {}): Promise<FakeModelHub> {
    const server = createServer();
    const hub = new FakeModelHub(server, models, gated);
    server.on('request', (request, response) => {
      const [, id = '', revision = '', name = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.url ?? '') ?? [];
      hub.asked.push(`${id}@${revision}/${name}`);
      const fail = (status: number, code: string): void => void response.writeHead(status, { 'x-error-code': code }).end('{"error":"no"}');
      const files = hub.models[id];
      if (files === undefined) return fail(401, 'RepoNotFound');
      const token = hub.gated[id];
      if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) return fail(403, 'GatedRepo');
      const text = files[name];
      if (text === undefined) return fail(404, 'EntryNotFound');
      const bytes = Buffer.from(text);
      const headers = { etag: '"abc"', 'content-type': 'text/plain' };
      const isProbe = request.headers.range === 'bytes=0-0';
      if (!isProbe) return void response.writeHead(200, headers).end(bytes);
      response.writeHead(206, { ...headers, 'content-range': `bytes 0-0/${bytes.length}` }).end(bytes.subarray(0, 1));
    });
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
}
