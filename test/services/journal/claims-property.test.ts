import fc from 'fast-check';
import { ClaimLostError, Claims, type Claim, type Instant } from '../../../services/journal/claims';
import type { ArtifactStore } from '../../../services/store/artifact-store';

const ADDRESS = { stage: 'judge', key: 'abc', part: 'i0-i9' };
const PROCESSES = 4;

/** As much of a store as claims need, in memory. */
function memoryStore(): ArtifactStore {
  const files = new Map<string, string>();
  const store: Pick<ArtifactStore, 'create' | 'read' | 'write' | 'list' | 'remove'> = {
    create: async (path, data) => (files.has(path) ? false : (files.set(path, String(data)), true)),
    read: async (path) => (files.has(path) ? Buffer.from(files.get(path)!) : undefined),
    write: async (path, data) => void files.set(path, String(data)),
    list: async (folder) => [...files.keys()].flatMap((path) => (path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [])),
    remove: async (path) => {
      for (const file of files.keys()) if (file === path || file.startsWith(`${path}/`)) files.delete(file);
    },
  };
  return store as ArtifactStore;
}

/** A process; while nothing is done with it, it stands still, as after SIGSTOP, and time goes by. */
class Participant {
  private claim: Claim | undefined;
  private readonly claims: Claims;

  constructor(
    store: ArtifactStore,
    private readonly holder: string,
    now: () => Instant,
  ) {
    this.claims = new Claims(store, now);
  }

  async do(what: 'take' | 'beat' | 'release' | 'drop' | 'die'): Promise<void> {
    if (what === 'take') this.claim ??= await this.claims.take(ADDRESS, this.holder);
    else if (this.claim === undefined) return;
    else if (what === 'beat') await this.claim.beat();
    else {
      await (what === 'die' ? this.claim.forsake() : this.claim[what]());
      this.claim = undefined;
    }
  }

  /** Whether it would begin a call now. */
  async calls(): Promise<boolean> {
    try {
      await this.claim?.hold();
      return this.claim !== undefined;
    } catch (error) {
      if (!(error instanceof ClaimLostError)) throw error;
      await this.do('release');
      return false;
    }
  }

  async end(): Promise<void> {
    await this.do('die');
  }
}

const step = fc.record({
  who: fc.nat(PROCESSES - 1),
  what: fc.constantFrom(...(['take', 'take', 'take', 'beat', 'beat', 'release', 'drop', 'die'] as const)),
  seconds: fc.constantFrom(0, 0, 0, 5, 11, 14, 15, 16, 29, 30, 31, 60),
  /** Who goes on with its calls just then; the others stand still. */
  awake: fc.nat(PROCESSES - 1),
});

test('however processes take, beat, stop, wake up, die and give back: what one may still begin, no other does', async () => {
  let takeOvers = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      let atMs = 0;
      const store = memoryStore();
      // Clocks that were never set to each other; each two are attempts at the same work.
      const processes = Array.from(
        { length: PROCESSES },
        (_, number) =>
          new Participant(store, `run-${number % 2}`, () => ({ monotonicMs: atMs + 1e6 * number, wallMs: atMs - 1e9 * number })),
      );
      let last: number | undefined;
      let both = 0;
      for (const { who, what, seconds, awake } of steps) {
        atMs += seconds * 1_000;
        await processes[who]!.do(what);
        if (await processes[awake]!.calls()) {
          if (last !== undefined && last !== awake) takeOvers++;
          last = awake;
          const others = await Promise.all(processes.map(async (each, number) => number !== awake && (await each.calls())));
          if (others.includes(true)) both++;
        }
      }
      for (const each of processes) await each.end();
      expect(both).toBe(0);
    }),
    { numRuns: 1_000, seed: 20_261_129 },
  );
  expect(takeOvers).toBeGreaterThan(100);
}, 120_000);
