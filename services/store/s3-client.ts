import { S3Client } from '@aws-sdk/client-s3';
import { S3ArtifactStore } from './s3-artifact-store';
import type { S3Place } from './store-place';

/** Quick tries of one request, tenths of seconds apart; longer outages are for the retries of batches. */
const REQUEST_TRIES = 4;
const CONNECT_TIMEOUT_MS = 5_000;
/** Without a byte for this long, a request has failed. */
const SOCKET_TIMEOUT_MS = 60_000;

/**
 * A store in a bucket. Credentials, region and profile come from where the AWS SDK looks for them. The endpoint comes from
 * REHEARSE_S3_ENDPOINT, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, and is then addressed by path (endpoint/bucket/key), as
 * servers other than Amazon's expect.
 */
export function createS3Store(
  place: S3Place,
  { env, rideOutMs }: { readonly env: NodeJS.ProcessEnv; readonly rideOutMs?: number | undefined },
): S3ArtifactStore {
  // The SDK is pinned to a version for this Node; its word on what later ones will need is not for our users.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const endpoint = env['REHEARSE_S3_ENDPOINT'] || env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'];
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  const client = new S3Client({
    maxAttempts: REQUEST_TRIES,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
    // Servers other than Amazon's mostly do not look at the region, but the signature needs one.
    ...(endpoint ? { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' } : region === undefined ? {} : { region }),
  });
  return new S3ArtifactStore({ client, ...place, ...(rideOutMs === undefined ? {} : { rideOutMs }) });
}
