import { segmentsOf } from './artifact-store';

/** Where runs are stored. */
export type StorePlace = { readonly folder: string } | S3Place;

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
}

/** REHEARSE_STORE names no place that could be a store. */
export class StorePlaceError extends Error {
  override readonly name = 'StorePlaceError';
}

/** S3's rules for bucket names, but for the reserved ones. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Reads `s3://BUCKET/PREFIX` or the path of a directory. @throws StorePlaceError with what is allowed */
export function parseStorePlace(text: string): StorePlace {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { folder: text };
  if (scheme !== 's3') {
    throw new StorePlaceError(
      `the store ${JSON.stringify(text)} (REHEARSE_STORE) is neither a directory nor s3://BUCKET/PREFIX; object stores of other makers mostly speak S3 too`,
    );
  }
  const [bucket = '', ...rest] = text.slice('s3://'.length).split('/');
  if (!BUCKET.test(bucket)) {
    throw new StorePlaceError(`the store ${JSON.stringify(text)} (REHEARSE_STORE) has no valid bucket name; write s3://BUCKET/PREFIX`);
  }
  const prefix = rest.join('/').replace(/\/+$/, '');
  try {
    if (prefix !== '') segmentsOf(prefix);
  } catch (cause) {
    throw new StorePlaceError(
      `the store ${JSON.stringify(text)} (REHEARSE_STORE) has a prefix that is not allowed: its names may hold letters, digits and @ + . _ - only`,
      { cause },
    );
  }
  return { bucket, prefix };
}
