import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerTables } from '../../bench/peer-figures';
import { PeerResults, type PeerTask } from '../../bench/peer-results';

const SETTINGS = { latencyMs: 50, timeoutMs: 120_000, cpu: '2 x test' };
const DAY = '2026-01-01';
const task = (client: string, more: Partial<PeerTask> = {}): PeerTask => ({
  client,
  inFlight: 50,
  prompts: 2000,
  what: 'run',
  round: 1,
  ...more,
});
const figures = (perSecond: number) => ({ requests: 2000, perSecond, cpuSeconds: 1, peakRssBytes: 2 ** 20, wallSeconds: 10 });

describe("the results of the peers' benchmark", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rehearse-peers-'));
    file = join(folder, 'peers.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are there again when a benchmark that was broken off is started again', async () => {
    const first = await PeerResults.open(file, SETTINGS, DAY);
    await first.add({ ...task('a'), figures: figures(100) }, DAY);
    await first.add({ ...task('b'), failed: 'ended with exit code 1' }, DAY);
    const second = await PeerResults.open(file, SETTINGS, DAY);
    expect(
      [task('a'), task('b'), task('a', { round: 2 }), task('a', { what: 'kill' }), task('a', { inFlight: 200 })].map((each) =>
        second.has(each),
      ),
    ).toEqual([true, true, false, false, false]);
    await second.drop([task('a')]);
    expect((await PeerResults.open(file, SETTINGS, DAY)).has(task('a'))).toBe(false);
  });

  it('of other settings are not mixed in', async () => {
    await (await PeerResults.open(file, SETTINGS, DAY)).add({ ...task('a'), figures: figures(100) }, DAY);
    await expect(PeerResults.open(file, { ...SETTINGS, latencyMs: 5 }, DAY)).rejects.toThrow('measure with those settings, or remove it');
  });

  it('have a row for each client, also for one that failed or hung, and none that breaks the table', async () => {
    const results = await PeerResults.open(file, SETTINGS, DAY);
    await results.add({ ...task('bare loop'), figures: figures(1000) }, DAY);
    await results.add({ ...task('quick'), figures: figures(900) }, DAY);
    await results.add({ ...task('quick', { round: 2 }), figures: figures(800) }, DAY);
    await results.add(
      { ...task('broken'), failed: 'ended with exit code 1; its log /x/client.log ends with:\nTraceback | of\nmany lines' },
      DAY,
    );
    await results.add({ ...task('quick', { what: 'kill' }), kill: { answered: 1201, repaid: 50, resumeSeconds: 31.2 } }, DAY);
    await results.add({ ...task('bare loop', { prompts: 30_000 }), figures: figures(1200) }, DAY);
    await results.add({ ...task('quick', { prompts: 30_000 }), figures: figures(600) }, DAY);
    await results.add(
      {
        ...task('slow', { what: 'kill' }),
        kill: { answered: 1210, repaid: 0, failed: 'hung: no end after 120 s; 1400 of 2000 prompts had been sent' },
      },
      DAY,
    );
    expect(
      peerTables(results.all)
        .split('\n')
        .filter((line) => line.startsWith('| 50')),
    ).toEqual([
      '| 50, bare loop | 2,000 | 1000 | 1.00 | 1.00 | 10.0 s | 1 MiB |',
      '| 50, quick | 2,000 | 850 (800-900) | 0.85 | 1.00 | 10.0 s | 1 MiB |',
      '| 50, broken | 2,000 | ended with exit code 1 |  |  |  |  |',
      '| 50, bare loop | 30,000 | 1200 | 1.00 | 1.00 | 10.0 s | 1 MiB |',
      '| 50, quick | 30,000 | 600 | 0.50 | 1.00 | 10.0 s | 1 MiB |',
      '| 50, quick | 1201 of 2000 | 50 | 31.2 s |',
      '| 50, slow | 1210 of 2000 | 0 | hung: no end after 120 s; 1400 of 2000 prompts had been sent |',
    ]);
  });
});
