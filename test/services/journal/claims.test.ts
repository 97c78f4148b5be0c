import { randomBytes } from 'node:crypto';
import { ClaimLostError, Claims, type Claim, type Instant } from '../../../services/journal/claims';
import { openStore } from '../../../services/runs/open-store';
import { LocalArtifactStore, type ArtifactStore } from '../../../services/store/artifact-store';
import { useTempFolder } from '../../support/temp-folder';
import { quietReporter } from '../../support/temporal';
import { S3Server } from '../../support/versitygw';

const temp = useTempFolder();
const ADDRESS = { stage: 'judge', key: 'abc', part: 'i0-i9' };
const opened: Claim[] = [];

afterEach(async () => {
  for (const claim of opened.splice(0)) await claim.drop();
});

let bucket: S3Server;

beforeAll(async () => {
  bucket = await S3Server.start(quietReporter);
  Object.assign(process.env, bucket.env);
}, 600_000);

afterAll(async () => await bucket.close());

/** Where the processes of a test meet, each through a store object of its own. */
let openIts: () => ArtifactStore;
let place: string;

/** A process with a clock of its own, which stands still until it is moved. */
function newProcess(store = openIts()): {
  readonly take: (holder?: string) => Promise<Claim | undefined>;
  readonly wait: (ms: number) => void;
} {
  let at: Instant = { monotonicMs: Math.random() * 1e6, wallMs: Math.random() * 1e12 };
  const claims = new Claims(store, () => at);
  return {
    take: async (holder = 'run') => {
      const claim = await claims.take(ADDRESS, holder);
      if (claim !== undefined) opened.push(claim);
      return claim;
    },
    wait: (ms) => (at = { monotonicMs: at.monotonicMs + ms, wallMs: at.wallMs + ms }),
  };
}

describe.each([
  ['a directory', () => new LocalArtifactStore({ root: temp() })],
  ['a bucket', () => openStore(place).store],
])('in %s', (_, open) => {
  beforeEach(() => {
    place = `s3://${bucket.bucket}/${randomBytes(6).toString('hex')}`;
    openIts = open;
  });

  test('of many that want an output at once, one makes it', async () => {
    const taken = await Promise.all(Array.from({ length: 20 }, async (_, run) => await newProcess().take(`run${run}`)));
    expect(taken.filter((claim) => claim !== undefined)).toHaveLength(1);
  });

  test('what is given back is taken at once, and what is finished leaves nothing', async () => {
    const [a, b] = [newProcess(), newProcess()];
    const first = await a.take('a');
    expect(await b.take('b')).toBeUndefined();
    await first!.release();
    const second = await b.take('b');
    expect(second).toBeDefined();
    expect(await a.take('a')).toBeUndefined();
    await second!.drop();
    expect(await openIts().list('claims/judge/abc')).toEqual([]);
    expect(await a.take('a')).toBeDefined();
  });

  test('an owner that shows signs of life is waited for, however long', async () => {
    const [a, b] = [newProcess(), newProcess()];
    const first = await a.take('a');
    for (let round = 0; round < 5; round++) {
      expect(await b.take('b')).toBeUndefined();
      b.wait(29_000);
      await first!.beat();
    }
    expect(await b.take('b')).toBeUndefined();
  });

  test('an owner that stands still is replaced after a while by the clock of who waits, and finds out before its next call', async () => {
    const [a, b, c] = [newProcess(), newProcess(), newProcess()];
    const first = await a.take('a');
    await first!.hold();
    expect(await b.take('b')).toBeUndefined();
    b.wait(29_000);
    expect(await b.take('b')).toBeUndefined();
    b.wait(2_000);
    const second = await b.take('b');
    expect(second).toBeDefined();
    expect(await c.take('c')).toBeUndefined();
    a.wait(16_000); // stopped and continued: its lease is over
    await expect(first!.hold()).rejects.toThrow(ClaimLostError);
    await second!.hold();
    await first!.release(); // says nothing: it is not its own any more
    expect(await c.take('c')).toBeUndefined();
  });

  test('a later attempt at the same work waits only until the lease of the one before is over', async () => {
    const [a, b] = [newProcess(), newProcess()];
    const first = await a.take('run/activity');
    expect(await b.take('run/activity')).toBeUndefined();
    b.wait(14_000);
    expect(await b.take('run/activity')).toBeUndefined();
    b.wait(2_500);
    expect(await b.take('run/activity')).toBeDefined();
    a.wait(16_500); // its process hung, and comes back
    await expect(first!.hold()).rejects.toThrow(ClaimLostError);
  });

  test.each(['write', 'remove'] as const)(
    'a claim during which the store failed (%s) shows no sign of life: nobody would give it back',
    async (failing) => {
      jest.useFakeTimers({
        doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout', 'performance', 'Date'],
      });
      try {
        const store = openIts();
        const [a, b] = [newProcess(store), newProcess()];
        await (await a.take('a'))!.release();
        const fault = jest.spyOn(store, failing).mockRejectedValue(new Error('the bucket is away'));
        await expect(a.take('a')).rejects.toThrow('the bucket is away');
        fault.mockRestore();
        expect(jest.getTimerCount()).toBe(0);
        expect(await b.take('b')).toBeUndefined();
        b.wait(31_000);
        expect(await b.take('b')).toBeDefined();
      } finally {
        jest.useRealTimers();
      }
    },
  );

  test('within its lease an owner calls without a look at the store', async () => {
    const a = newProcess();
    const claim = await a.take('a');
    await openIts().remove('claims');
    await claim!.hold();
    a.wait(16_000);
    await expect(claim!.hold()).rejects.toThrow(ClaimLostError);
  });

  test('one that comes back after its output was finished and wanted again is not taken for the new owner', async () => {
    const [a, b] = [newProcess(), newProcess()];
    const first = await a.take('a');
    await openIts().remove('claims'); // another one took over, finished and dropped it
    expect(await b.take('b')).toBeDefined();
    a.wait(16_000);
    await expect(first!.hold()).rejects.toThrow(ClaimLostError);
  });
});
