import { S3Outages } from '../../../services/store/s3-errors';
import { fileSystemError, storageFault, StorageUnavailableError } from '../../../services/store/storage-errors';

const WORK = { doing: 'read', place: 's3://bucket/file' } as const;

/** An error as the SDK throws it. */
function sdkError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error('the reason'), {
    name,
    $metadata: { attempts: 4, ...(httpStatusCode === undefined ? {} : { httpStatusCode }) },
  });
}

async function failure(outages: S3Outages, error: Error): Promise<unknown> {
  return await outages
    .watch(WORK, async () => {
      throw error;
    })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
}

test.each([
  [sdkError('Error'), true, /see that the object store runs/],
  [sdkError('TimeoutError'), true, /see that the object store runs/],
  [sdkError('InternalError', 500), true, /object store's own log/],
  [sdkError('SlowDown', 503), true, /object store's own log/],
  [sdkError('TooManyRequests', 429), true, /slows its clients down/],
  [sdkError('ExpiredToken', 400), false, /renew the credentials/],
  [sdkError('CredentialsProviderError'), false, /renew the credentials/],
  [sdkError('AccessDenied', 403), false, /allow the workers' identity/],
  [sdkError('NoSuchBucket', 404), false, /make that bucket/],
  [sdkError('PermanentRedirect', 301), false, /AWS_REGION/],
  [sdkError('InsufficientStorage', 507), false, /free some space/],
  [sdkError('InvalidRequest', 400), false, /check REHEARSE_STORE/],
])('%s is passing: %s, and the sentence says what to do', async (error, passing, advice) => {
  const seen = await failure(new S3Outages({ rideOutMs: 1_000 }), error);
  expect(seen).toBeInstanceOf(StorageUnavailableError);
  expect(seen).toMatchObject({
    passing,
    cause: error,
    message: expect.stringMatching(/^s3:\/\/bucket\/file cannot be read: .*the reason; .*then resume the run/) as unknown,
  });
  expect((seen as Error).message).toMatch(advice);
});

test('a mistake of ours is no outage', async () => {
  const mistake = Object.assign(new TypeError('x is undefined'), { $metadata: { attempts: 1 } });
  expect(await failure(new S3Outages({ rideOutMs: 1_000 }), mistake)).toBe(mistake);
});

test('an outage is passing until its time is over, a success ends it, and a fault long after the last one begins another', async () => {
  let now = 0;
  const outages = new S3Outages({ rideOutMs: 300_000, now: () => now });
  const isPassing = async (): Promise<boolean> =>
    ((await failure(outages, sdkError('InternalError', 500))) as StorageUnavailableError).passing;
  const at = async (seconds: number): Promise<boolean> => {
    now = seconds * 1_000;
    return await isPassing();
  };
  expect([await at(0), await at(60), await at(200), await at(299), await at(301)]).toEqual([true, true, true, true, false]);
  await outages.watch(WORK, async () => 'fine');
  expect(await at(302)).toBe(true);
  expect([await at(500), await at(681), await at(700)]).toEqual([true, true, true]); // 181 s without a sign: another outage since 681
});

test.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'ESTALE'])(
  '%s of the file system is a storage fault that names the place',
  (code) => {
    const cause = Object.assign(new Error(`${code}: says the system`), { code });
    const error = fileSystemError(cause, { doing: 'written', path: '/data/store/file' });
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error).toMatchObject({
      passing: false,
      cause,
      message: expect.stringMatching(
        new RegExp(`^/data/store/file cannot be written: ${code}: says the system; .*then resume the run`),
      ) as unknown,
    });
  },
);

test('a full disk is told wherever it shows, and a connection that is refused is not taken for a disk', () => {
  const full = new Error('could not write', {
    cause: Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', path: '/data/x' }),
  });
  expect(storageFault(full)?.message).toContain('/data/x cannot be written');
  expect(
    storageFault(new Error('no answer', { cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }) })),
  ).toBeUndefined();
  expect(storageFault(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }))).toBeUndefined(); // a spec's file, perhaps
});
