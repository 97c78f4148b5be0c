import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { replaceFile, segmentsOf, syncFile, type ArtifactStore, type FileOfStore } from './artifact-store';
import { isMissingObject, S3Outages, statusOf } from './s3-errors';
import { fileSystemError } from './storage-errors';

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Put before every path; empty for the whole bucket. */
  readonly prefix: string;
  /** How long an object store that does not answer is taken for one that soon will. */
  readonly rideOutMs?: number;
}

/** Parts of large uploads: S3 takes 10,000, so files of up to 640 GB. */
const PART_BYTES = 64 << 20;
const PARTS_AT_ONCE = 2;
/** Most objects that S3 removes in one request. */
const REMOVED_AT_ONCE = 1_000;
const CONFLICT_TRIES = 5;
const RIDE_OUT_MS = 5 * 60_000;

/**
 * An {@link ArtifactStore} in a bucket of S3, or of what speaks its API. `create` is a conditional put (`If-None-Match: *`),
 * which the bucket must support. The SDK checks what it transfers; manifests hold the SHA-256 of what is stored.
 */
export class S3ArtifactStore implements ArtifactStore {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly outages: S3Outages;

  constructor({ client, bucket, prefix, rideOutMs = RIDE_OUT_MS }: S3StoreOptions) {
    this.client = client;
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${segmentsOf(prefix).join('/')}/`;
    this.outages = new S3Outages({ rideOutMs });
  }

  location(path: string): string {
    return `s3://${this.bucket}/${this.keyOf(path)}`;
  }

  async read(path: string): Promise<Buffer | undefined> {
    const body = await this.get(path);
    if (body === undefined) return undefined;
    return await this.outages.watch({ doing: 'read', place: this.location(path) }, async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    });
  }

  async write(path: string, data: Uint8Array | string): Promise<void> {
    const put = new PutObjectCommand({ Bucket: this.bucket, Key: this.keyOf(path), Body: bytesOf(data) });
    await this.outages.watch({ doing: 'written', place: this.location(path) }, async () => await this.client.send(put));
  }

  async create(path: string, data: Uint8Array | string): Promise<boolean> {
    const put = new PutObjectCommand({ Bucket: this.bucket, Key: this.keyOf(path), Body: bytesOf(data), IfNoneMatch: '*' });
    return await this.outages.watch({ doing: 'written', place: this.location(path), isConditional: true }, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          await this.client.send(put);
          return true;
        } catch (error) {
          if (statusOf(error) === 412) return false;
          // Two writers at the same moment: S3 asks the loser to look again.
          if (statusOf(error) !== 409 || attempt === CONFLICT_TRIES) throw error;
        }
      }
    });
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${this.keyOf(folder)}/`;
    return await this.outages.watch({ doing: 'listed', place: this.location(folder) }, async () => {
      const names = new Set<string>();
      for await (const page of this.pages(prefix, '/')) {
        for (const { Key: key = '' } of page.Contents ?? []) names.add(key.slice(prefix.length));
        for (const { Prefix: below = '' } of page.CommonPrefixes ?? []) names.add(below.slice(prefix.length, -1));
      }
      names.delete(''); // the marker object that some tools put for a folder
      return [...names].sort();
    });
  }

  async *files(folder: string): AsyncIterable<FileOfStore> {
    const place = this.location(folder);
    // Page by page within the watch of outages, so that no page is held open while its reader works.
    let token: string | undefined;
    do {
      const page = await this.outages.watch({ doing: 'listed', place }, async () => await this.page(`${this.keyOf(folder)}/`, { token }));
      for (const { Key: key = '', Size: bytes = 0, LastModified: modified } of page.Contents ?? []) {
        yield { path: key.slice(this.prefix.length), bytes, modifiedMs: modified?.getTime() ?? Date.now() };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async remove(path: string): Promise<void> {
    const key = this.keyOf(path);
    await this.outages.watch({ doing: 'removed', place: this.location(path) }, async () => {
      const keys = [key];
      for await (const page of this.pages(`${key}/`)) keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      for (let start = 0; start < keys.length; start += REMOVED_AT_ONCE) {
        const objects = keys.slice(start, start + REMOVED_AT_ONCE).map((Key) => ({ Key }));
        const { Errors: errors = [] } = await this.client.send(
          new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects: objects, Quiet: true } }),
        );
        const [first] = errors.filter(({ Code }) => Code !== 'NoSuchKey');
        if (first !== undefined) {
          throw new Error(`s3://${this.bucket}/${first.Key ?? ''} was not removed: ${first.Code ?? ''} ${first.Message ?? ''}`);
        }
      }
    });
  }

  async upload(path: string, file: string): Promise<void> {
    await this.outages.watch({ doing: 'written', place: this.location(path) }, async () => {
      await new Upload({
        client: this.client,
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
        params: { Bucket: this.bucket, Key: this.keyOf(path), Body: createReadStream(file, { highWaterMark: 1 << 20 }) },
      }).done();
    });
  }

  async download(path: string, file: string): Promise<boolean> {
    const body = await this.get(path);
    if (body === undefined) return false;
    await this.outages.watch({ doing: 'read', place: this.location(path) }, async () => {
      try {
        await replaceFile(file, async (temporary) => {
          await pipeline(body, createWriteStream(temporary, { flags: 'wx' }));
          await syncFile(temporary);
        });
      } catch (error) {
        throw fileSystemError(error, { doing: 'written', path: file });
      }
    });
    return true;
  }

  private async get(path: string): Promise<Readable | undefined> {
    return await this.outages.watch({ doing: 'read', place: this.location(path) }, async () => {
      try {
        const { Body: body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: this.keyOf(path) }));
        return body as Readable | undefined; // in Node always a stream
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw error;
      }
    });
  }

  private async *pages(prefix: string, delimiter?: string) {
    let token: string | undefined;
    do {
      const page = await this.page(prefix, { delimiter, token });
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  private async page(prefix: string, { delimiter, token }: { readonly delimiter?: string; readonly token?: string }) {
    return await this.client.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, Delimiter: delimiter, ContinuationToken: token }),
    );
  }

  private keyOf(path: string): string {
    return `${this.prefix}${segmentsOf(path).join('/')}`;
  }
}

/** The SDK takes an empty text for a stream of unknown length. */
function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}
