import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runBatch } from '../../../services/batches/batch';
import type { BatchItem } from '../../../services/batches/batch-item';
import { createModelClient } from '../../../services/endpoints/model-client';
import { JournalStore } from '../../../services/journal/journal-store';
import { EndpointLimiter } from '../../../services/limits/limiter';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { StorageUnavailableError } from '../../../services/store/storage-errors';
import { Workspace } from '../../../services/store/workspace';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';
import { SmallDisk } from '../../support/small-disk';

const CONCURRENCY = 36;
const BATCHES = 12;
const ITEMS = 40;

const endpoint = useFakeEndpoint({ latencyMs: 30 });
let disk: SmallDisk;

beforeEach(() => {
  disk = new SmallDisk();
});

afterEach(() => disk.remove());

interface Row {
  readonly id: string;
}

function items(batch: number): BatchItem<Row>[] {
  return Array.from({ length: ITEMS }, (_, index) => {
    const id = `batch${batch}-item${index}`;
    return {
      id,
      next: (exchanges) =>
        exchanges.length === 1
          ? { do: 'done', rows: [{ id }], failures: [] }
          : { do: 'call', request: { path: 'completions', body: { prompt: id }, tokenEstimate: 10 } },
    };
  });
}

/** The journals of a process. */
function newProcess(): JournalStore {
  const root = join(disk.folder, 'store');
  return new JournalStore(new LocalArtifactStore({ root }), new Workspace({ root, isStore: true }));
}

/** Runs all batches of a process over one limiter; returns what each ended with: its rows, or its error. */
async function runAll(journals: JournalStore): Promise<(number | Error)[]> {
  const client = createModelClient({
    name: 'm',
    spec: modelSpec({ baseURL: endpoint().baseURL }),
    limiter: new EndpointLimiter({ concurrency: CONCURRENCY, adaptive: false }),
    env: {},
  });
  const run = async (batch: number): Promise<number> => {
    const journal = await journals.open(`batch${batch}`);
    try {
      const { rows } = await runBatch<Row>({
        items: items(batch),
        client,
        identity: 'm',
        journal,
        concurrency: 2 * CONCURRENCY,
        stop: new AbortController().signal,
        onProgress: () => undefined,
      });
      return rows.length;
    } finally {
      await journal.close();
    }
  };
  return await Promise.all(Array.from({ length: BATCHES }, async (_, batch) => await run(batch).catch((error: unknown) => error as Error)));
}

/** Fills the disk while calls are in flight, and lets all batches end. */
async function disturbed(journals: JournalStore): Promise<void> {
  const ends = runAll(journals);
  await endpoint().received(150);
  await disk.fill();
  expectCutShort(await ends);
}

/** Batches that were done by then are; the others say why they are not. */
function expectCutShort(ends: readonly (number | Error)[]): void {
  const cut = ends.filter((end) => end !== ITEMS);
  expect(cut.length).toBeGreaterThan(1);
  for (const end of cut) expect(end).toBeInstanceOf(StorageUnavailableError);
}

test('once a line could not be kept no batch of the process sends anything more, nor does one that begins while the disk is full', async () => {
  const journals = newProcess();
  const ends = runAll(journals);
  await endpoint().received(150);
  const before = endpoint().requests.length;
  await disk.fill();
  expectCutShort(await ends);
  // The disk was filled while calls went on; from the first failed write on only what was in flight came in.
  const sent = endpoint().requests.length;
  expect(sent).toBeLessThan(before + BATCHES * CONCURRENCY);
  const segments = filesOf(disk.folder, '.jsonl');
  for (const end of await runAll(journals)) expect(end).toBeInstanceOf(StorageUnavailableError);
  expect(endpoint().requests).toHaveLength(sent);
  expect(filesOf(disk.folder, '.jsonl')).toEqual(segments);
});

test('while the process lives not even the calls in flight are paid twice', async () => {
  const journals = newProcess();
  await disturbed(journals);
  disk.free();
  expect(await runAll(journals)).toEqual(Array(BATCHES).fill(ITEMS));
  expect(endpoint().requests).toHaveLength(BATCHES * ITEMS);
});

test('a process that ends on a full disk loses no more than was in flight or answered within a write, whatever the number of its batches', async () => {
  await disturbed(newProcess());
  disk.free();
  expect(await runAll(newProcess())).toEqual(Array(BATCHES).fill(ITEMS));
  expect(endpoint().requests.length - BATCHES * ITEMS).toBeLessThanOrEqual(2 * CONCURRENCY);
});

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && statSync(join(folder, name)).isFile())
    .sort();
}
