import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { type ArtifactStore } from '../../../services/store/artifact-store';
import { S3ArtifactStore } from '../../../services/store/s3-artifact-store';
import { checkStoreWorks } from '../../../services/store/store-check';
import { sha256 } from '../../../stages/sha256';
import { useTempFolder } from '../../support/temp-folder';
import { quietReporter } from '../../support/temporal';
import { S3Server } from '../../support/versitygw';

const temp = useTempFolder();
let server: S3Server;
let clients: S3Client[] = [];

beforeAll(async () => {
  server = await S3Server.start(quietReporter);
}, 600_000);

afterAll(async () => {
  await server.close();
});

afterEach(() => {
  for (const client of clients) client.destroy();
  clients = [];
});

interface Options {
  readonly prefix?: string;
  readonly bucket?: string;
  readonly secret?: string;
  readonly endpoint?: string;
  readonly rideOutMs?: number;
}

function open({
  prefix = randomBytes(6).toString('hex'),
  bucket = server.bucket,
  secret,
  endpoint = server.endpoint,
  rideOutMs,
}: Options = {}): ArtifactStore {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: secret ?? secretAccessKey },
  });
  clients.push(client);
  return new S3ArtifactStore({ client, bucket, prefix, ...(rideOutMs === undefined ? {} : { rideOutMs }) });
}

test('what is written is read back, byte for byte, and replaces what was there', async () => {
  const store = open();
  await store.write('a/b/c.bin', 'first');
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index);
  await store.write('a/b/c.bin', bytes);
  expect(await store.read('a/b/c.bin')).toEqual(Buffer.from(bytes));
  await store.write('empty', '');
  expect(await store.read('empty')).toEqual(Buffer.alloc(0));
});

test('a file that is not there reads as undefined, and its folder lists as empty', async () => {
  const store = open();
  expect(await store.read('nothing/here')).toBeUndefined();
  expect(await store.list('nothing')).toEqual([]);
  expect(await store.download('nothing', join(temp(), 'file'))).toBe(false);
});

test('two prefixes of one bucket are two stores', async () => {
  const [one, other] = [open({ prefix: 'team/one' }), open({ prefix: 'team/on' })];
  await one.write('file', 'x');
  expect(await other.read('file')).toBeUndefined();
  expect(one.location('file')).toBe('s3://runs/team/one/file');
});

test('of twenty that create the same file exactly one wins, and its content stays', async () => {
  const store = open();
  const won = await Promise.all(Array.from({ length: 20 }, async (_, index) => await store.create('manifest.json', `writer ${index}`)));
  expect(won.filter(Boolean)).toHaveLength(1);
  expect((await store.read('manifest.json'))?.toString()).toBe(`writer ${won.indexOf(true)}`);
});

test('a listing is sorted, names files and folders of one level, and goes beyond one page of a thousand', async () => {
  const store = open();
  const names = Array.from({ length: 1_005 }, (_, index) => `f${String(index).padStart(4, '0')}`);
  for (let start = 0; start < names.length; start += 50) {
    await Promise.all(names.slice(start, start + 50).map(async (name) => await store.write(`folder/${name}`, name)));
  }
  await store.write('folder/below/deep/file', 'x');
  await store.write('folders/not-ours', 'x');
  expect(await store.list('folder')).toEqual(['below', ...names]);

  await store.remove('folder');
  expect(await store.list('folder')).toEqual([]);
  expect(await store.list('folders')).toEqual(['not-ours']);
  await store.remove('folder');
}, 120_000);

test('a file of several parts travels as a stream both ways', async () => {
  const store = open();
  const data = randomBytes(130 << 20);
  await writeFile(join(temp(), 'up'), data);
  await store.upload('checkpoint/model.safetensors', join(temp(), 'up'));
  expect(await store.download('checkpoint/model.safetensors', join(temp(), 'new/folder/down'))).toBe(true);
  expect(sha256(await readFile(join(temp(), 'new/folder/down')))).toBe(sha256(data));
}, 120_000);

test.each(['../outside', '', 'a//b', 'a/.hidden'])('the path %j is refused', async (path) => {
  await expect(open().read(path)).rejects.toThrow('is not allowed');
  await expect(open().write(path, 'x')).rejects.toThrow('is not allowed');
});

test('the check before a run finds a store that works, and leaves nothing in it', async () => {
  const store = open({ prefix: 'checked' });
  await checkStoreWorks(store);
  expect(await open({ prefix: '' }).list('checked')).toEqual([]);
});

test.each([
  [
    'a bucket that is not there',
    { bucket: 'nowhere' },
    /^s3:\/\/nowhere\/.* cannot be written: NoSuchBucket: .*; make that bucket, or correct REHEARSE_STORE/,
  ],
  ['a wrong secret', { secret: 'wrong' }, /cannot be written: SignatureDoesNotMatch: .*; renew the credentials/],
])('%s is told in one sentence that says what to do, and is not tried again', async (_, options, sentence) => {
  await expect(checkStoreWorks(open(options))).rejects.toMatchObject({
    name: 'StorageUnavailableError',
    passing: false,
    message: expect.stringMatching(sentence) as unknown,
  });
});

test.each([
  [
    'refuses',
    501,
    /NotImplemented: .*it does not support conditional puts \(If-None-Match: \*\).* use a directory, or an object store that does/,
  ],
  ['ignores', 200, /it ignores conditional puts \(If-None-Match: \*\).* use an object store that supports them/],
])('an object store that %s conditional puts is found out before a run, and told so', async (_, status, sentence) => {
  const careless = createServer((request, response) => {
    request.resume();
    const isRefused = request.headers['if-none-match'] !== undefined && status !== 200;
    response.writeHead(isRefused ? status : request.method === 'DELETE' ? 204 : 200, { 'content-type': 'application/xml' });
    // As S3 says it of a header that it does not know.
    const refusal =
      '<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>';
    response.end(isRefused ? refusal : request.method === 'GET' ? '<ListBucketResult></ListBucketResult>' : '');
  });
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve));
  try {
    const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    await expect(checkStoreWorks(open({ endpoint }))).rejects.toMatchObject({
      name: 'StorageUnavailableError',
      passing: false,
      message: expect.stringMatching(sentence) as unknown,
    });
  } finally {
    careless.closeAllConnections();
    careless.close();
  }
});

test('a server that is away is a passing fault at first, one that waits for somebody later, and no fault once it is back', async () => {
  const patient = open();
  const impatient = open({ rideOutMs: 0 });
  await patient.write('file', 'x');
  await server.down();
  await expect(patient.read('file')).rejects.toMatchObject({
    name: 'StorageUnavailableError',
    passing: true,
    message: expect.stringContaining('see that the object store runs') as unknown,
  });
  await expect(impatient.list('folder')).rejects.toMatchObject({ name: 'StorageUnavailableError', passing: false });
  await server.up();
  expect((await patient.read('file'))?.toString()).toBe('x');
}, 120_000);
