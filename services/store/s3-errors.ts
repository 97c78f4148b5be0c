import { isError, StorageUnavailableError } from './storage-errors';

/** What was being done when an object store failed. */
export interface ObjectWork {
  readonly doing: 'read' | 'written' | 'listed' | 'removed';
  /** URL of the object or folder. */
  readonly place: string;
  /** With a header that object stores of other makers may not implement. */
  readonly isConditional?: true;
}

/** An outage whose last sign is older than this has ended: batches try again at least once a minute. */
const FORGET_MS = 3 * 60_000;

/**
 * Turns an object store's errors into StorageUnavailableError, and keeps the time of an outage: for `rideOutMs` from its
 * first failure, without a success between, it is called passing.
 */
export class S3Outages {
  private since: number | undefined;
  private last = 0;

  constructor(private readonly options: { readonly rideOutMs: number; readonly now?: () => number }) {}

  /** Runs one piece of work. @throws StorageUnavailableError when the object store fails, any other error as it is */
  async watch<T>(work: ObjectWork, body: () => Promise<T>): Promise<T> {
    try {
      const result = await body();
      this.since = undefined;
      return result;
    } catch (error) {
      throw this.outage(error, work);
    }
  }

  private outage(error: unknown, { doing, place, isConditional }: ObjectWork): unknown {
    if (!isError(error) || error instanceof StorageUnavailableError) return error;
    const fault = isConditional === true && statusOf(error) === NOT_IMPLEMENTED ? NO_CONDITIONS : faultOf(error);
    if (fault === undefined) return error;
    const { rideOutMs, now = () => performance.now() } = this.options;
    const current = now();
    if (this.since === undefined || current - this.last > FORGET_MS) this.since = current;
    this.last = current;
    const passing = fault.passing && current - this.since < rideOutMs;
    const tried = fault.passing && !passing ? `, for ${Math.max(1, Math.round((current - this.since) / 60_000))} min now` : '';
    return new StorageUnavailableError(
      `${place} cannot be ${doing}${tried}: ${error.name === 'Error' ? '' : `${error.name}: `}${messageOf(error)}; ${fault.advice}, then resume the run: it goes on where it was`,
      { cause: error, passing },
    );
  }
}

interface Fault {
  readonly passing: boolean;
  readonly advice: string;
}

const UNREACHABLE: Fault = {
  passing: true,
  advice: 'see that the object store runs and that this machine reaches it (REHEARSE_S3_ENDPOINT, AWS_ENDPOINT_URL_S3)',
};
const CREDENTIALS: Fault = {
  passing: false,
  advice:
    'renew the credentials of the workers (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN or the role of the machine) and restart them',
};

/** "A header you provided implies functionality that is not implemented": that of a conditional put. */
const NO_CONDITIONS: Fault = {
  passing: false,
  advice:
    'it does not support conditional puts (If-None-Match: *), without which two workers could write over each other and pay twice: use a directory, or an object store that does',
};
const NOT_IMPLEMENTED = 501;

/** By error name, as S3 documents them. */
const BY_NAME: Readonly<Record<string, Fault>> = {
  CredentialsProviderError: CREDENTIALS,
  ExpiredToken: CREDENTIALS,
  ExpiredTokenException: CREDENTIALS,
  InvalidAccessKeyId: CREDENTIALS,
  SignatureDoesNotMatch: CREDENTIALS,
  TokenRefreshRequired: CREDENTIALS,
  RequestTimeTooSkewed: { passing: false, advice: "set this machine's clock" },
  AccessDenied: {
    passing: false,
    advice: "allow the workers' identity s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket there",
  },
  NoSuchBucket: { passing: false, advice: 'make that bucket, or correct REHEARSE_STORE' },
  QuotaExceeded: { passing: false, advice: 'free some space in that bucket, or raise its quota' },
  XMinioStorageFull: { passing: false, advice: 'free some space on the disks of the object store' },
};

function faultOf(error: Error): Fault | undefined {
  const known = BY_NAME[error.name];
  if (known !== undefined) return known;
  const status = statusOf(error);
  if (status === undefined) return isConnectionError(error) ? UNREACHABLE : undefined;
  if (status >= 500 && status !== NOT_IMPLEMENTED && status !== 507) return { passing: true, advice: "look at the object store's own log" };
  if (status === 408 || status === 429) return { passing: true, advice: 'see why the object store slows its clients down' };
  if (status === 507) return { passing: false, advice: 'free some space in the object store' };
  if (status === 401 || status === 403) return BY_NAME['AccessDenied'];
  if (status === 301 || status === 307) return { passing: false, advice: 'set AWS_REGION to the region of the bucket' };
  return { passing: false, advice: 'check REHEARSE_STORE and the endpoint against what the object store says' };
}

/** Status of the object store's answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** Whether the object is not there: an answer, not a fault. */
export function isMissingObject(error: unknown): boolean {
  const { name } = error as { name?: string };
  return name === 'NoSuchKey' || (statusOf(error) === 404 && name !== 'NoSuchBucket');
}

/** The SDK marks every error of a request with the tries that it cost; a reply that breaks off has a code only. */
function isConnectionError(error: Error): boolean {
  if (error.name === 'TypeError' || error.name === 'RangeError') return false; // ours
  const { code, $metadata: metadata } = error as NodeJS.ErrnoException & { readonly $metadata?: { readonly attempts?: number } };
  return metadata?.attempts !== undefined || /^E[A-Z_]+$/.test(code ?? '') || error.name === 'TimeoutError';
}

/** An AggregateError of all addresses of a host has no message of its own. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return first instanceof Error && first.message !== '' ? first.message : ((error as NodeJS.ErrnoException).code ?? 'no answer');
}
