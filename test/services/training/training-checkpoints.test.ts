import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { Workspace } from '../../../services/store/workspace';
import { CheckpointUploads } from '../../../services/training/checkpoint-uploads';
import { COMPLETE_MARKER, TrainingCheckpoints } from '../../../services/training/training-checkpoints';
import { until } from '../../support/control';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const OUTPUT = 'stages/train/key/all';
const running = new AbortController().signal;

interface Host {
  readonly job: string;
  readonly checkpoints: TrainingCheckpoints;
  readonly said: string[];
}

/** A machine with a disk of its own, and the store that all share. */
function host(name: string): Host {
  const said: string[] = [];
  const say = (_: unknown, message: string): void => void said.push(message);
  const workspace = new Workspace({ root: join(temp(), name), isStore: false });
  const places = { store: new LocalArtifactStore({ root: join(temp(), 'store') }), workspace, log: { info: say, warn: say } };
  return { job: workspace.path(`${OUTPUT}/job`), checkpoints: new TrainingCheckpoints(places, OUTPUT), said };
}

/** What a trainer leaves at a step: files, some in folders and with names that a store does not take, and the marker. */
function save({ job }: Host, step: number, identity = { weights: 'w' }): string {
  const folder = join(job, 'checkpoints', `checkpoint-${step}`);
  const files = {
    'model.safetensors': `weights ${step}`,
    'pytorch_model_fsdp_0/.metadata': `shards ${step}`,
    'tokenizer.json': 'the same at every step',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const hashes = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, createHash('sha256').update(text).digest('hex')]));
  writeFileSync(join(folder, COMPLETE_MARKER), JSON.stringify({ step, sha256: hashes }));
  writeFileSync(join(job, 'spec.json'), JSON.stringify(identity));
  return folder;
}

function stored(): string[] {
  const folder = join(temp(), 'store', OUTPUT, 'checkpoints');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => [
      join(entry.parentPath, entry.name).slice(folder.length),
      readFileSync(join(entry.parentPath, entry.name), 'utf8'),
    ]),
  );
}

/** A file of a stored checkpoint. */
function storedFile(step: number, text: string): string {
  const folder = stored().find((name) => name.startsWith(`step-${String(step).padStart(8, '0')}`) && !name.endsWith('.json'));
  return join(temp(), 'store', OUTPUT, 'checkpoints', folder!, createHash('sha256').update(text).digest('hex'));
}

test('a machine without a checkpoint gets the newest stored one, file for file, and what the training is of', async () => {
  const [a, b] = [host('a'), host('b')];
  const folder = save(a, 3);
  await a.checkpoints.put(folder, running);
  await a.checkpoints.put(save(a, 6), running);
  expect(stored().map((name) => name.slice(0, 13))).toEqual(['step-00000006', 'step-00000006']); // older ones are gone

  expect(await b.checkpoints.fetchNewer()).toBe(6);
  expect(readdirSync(join(b.job, 'checkpoints'))).toEqual(['checkpoint-6']);
  expect(contentOf(join(b.job, 'checkpoints', 'checkpoint-6'))).toMatchObject({
    '/model.safetensors': 'weights 6',
    '/pytorch_model_fsdp_0/.metadata': 'shards 6',
  });
  expect(JSON.parse(readFileSync(join(b.job, 'checkpoints', 'checkpoint-6', COMPLETE_MARKER), 'utf8'))).toEqual(
    JSON.parse(readFileSync(join(a.job, 'checkpoints', 'checkpoint-6', COMPLETE_MARKER), 'utf8')),
  );
  expect(JSON.parse(readFileSync(join(b.job, 'spec.json'), 'utf8'))).toEqual({ weights: 'w' });
  await b.checkpoints.clear();
  expect(stored()).toEqual([]);
});

test('a machine goes on from its own checkpoint when that is as new, and takes a stored one that is newer', async () => {
  const [a, b] = [host('a'), host('b')];
  await a.checkpoints.put(save(a, 6), running);
  save(b, 6);
  const own = contentOf(join(b.job, 'checkpoints'));
  expect(await b.checkpoints.fetchNewer()).toBeUndefined();
  expect(contentOf(join(b.job, 'checkpoints'))).toEqual(own);
  await a.checkpoints.put(save(a, 9), running);
  expect(await b.checkpoints.fetchNewer()).toBe(9);
  writeFileSync(join(a.job, 'result.json'), '{}');
  rmSync(join(a.job, 'checkpoints'), { recursive: true });
  expect(await a.checkpoints.fetchNewer()).toBeUndefined(); // it has the result
});

test.each([
  ['a damaged file', (): void => writeFileSync(storedFile(6, 'weights 6'), 'weights 7'), /model\.safetensors is missing or damaged/],
  ['a missing file', (): void => rmSync(storedFile(6, 'shards 6')), /\.metadata is missing or damaged/],
  [
    'a torn manifest',
    (): void => writeFileSync(join(temp(), 'store', OUTPUT, 'checkpoints', stored().at(-1)!), '{"step": 6'),
    /its manifest is damaged/,
  ],
])('%s: the stored checkpoint is refused with a word, removed, and the one before taken', async (_, damage, words) => {
  const [a, b] = [host('a'), host('b')];
  await a.checkpoints.put(save(a, 6), running);
  damage();
  // One that is older, as when a machine that was cut off for a while adds its own.
  const late = host('late');
  await late.checkpoints.put(save(late, 3), running);

  expect(await b.checkpoints.fetchNewer()).toBe(3);
  expect(b.said[0]).toMatch(words);
  expect(b.said[0]).toContain('going on from the one before, or the beginning');
  expect(readdirSync(join(b.job, 'checkpoints'))).toEqual(['checkpoint-3']);
  expect(stored().map((name) => name.slice(0, 13))).toEqual(['step-00000003', 'step-00000003']);
});

test('a checkpoint that was not stored to its end is none, and of another training neither', async () => {
  const [a, b] = [host('a'), host('b')];
  const stop = new AbortController();
  stop.abort(new Error('the training has ended'));
  await expect(a.checkpoints.put(save(a, 3), stop.signal)).rejects.toThrow('the training has ended');
  expect(await b.checkpoints.fetchNewer()).toBeUndefined();

  await a.checkpoints.put(save(a, 3), running);
  save(b, 1, { weights: 'others' });
  expect(await b.checkpoints.fetchNewer()).toBeUndefined();
  expect(b.said[0]).toMatch(/of a training with other weights or settings/);
  expect(stored()).toHaveLength(2); // whose it is may want it
});

/** Uploads whose store fails, or waits, as the test says. */
function uploads(put: (checkpoint: string) => Promise<void>): CheckpointUploads {
  const silent = { info: () => undefined, warn: () => undefined };
  return new CheckpointUploads({
    checkpoints: { put: async (checkpoint) => await put(checkpoint) },
    holdIn: join(temp(), 'a', 'uploading'),
    log: silent,
    retryMs: 1,
  });
}

test('checkpoints that are overtaken by newer ones are left out, and one on its way outlives its removal by the trainer', async () => {
  const a = host('a');
  const seen: string[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const beside = uploads(async (checkpoint) => {
    if (seen.length === 0) {
      seen.push('began');
      await held;
      seen.length = 0;
    }
    seen.push(contentOf(checkpoint)['/model.safetensors'] ?? '');
  });
  const first = save(a, 3);
  beside.offer(first);
  await until(async () => (seen.length === 1 ? true : undefined));
  rmSync(first, { recursive: true });
  beside.offer(save(a, 6));
  beside.offer(save(a, 9));
  release();
  await beside.finish(60_000);
  expect(seen).toEqual(['weights 3', 'weights 9']);
  expect(existsSync(join(temp(), 'a', 'uploading'))).toBe(false);
});

test('a store that fails is tried again until it takes the checkpoint', async () => {
  const a = host('a');
  let tries = 0;
  const beside = uploads(async (checkpoint) => {
    if (++tries < 4) throw new Error('the store is away');
    await a.checkpoints.put(checkpoint, running);
  });
  beside.offer(save(a, 3));
  await beside.finish(60_000);
  expect(tries).toBe(4);
  expect(stored()).toHaveLength(2);
});

test('when the training is done nothing more is stored', async () => {
  const a = host('a');
  let tries = 0;
  const beside = uploads(async () => await Promise.reject(new Error(`try ${++tries}`)));
  beside.offer(save(a, 3));
  await beside.abandon();
  const before = tries;
  beside.offer(save(a, 6));
  await beside.finish(60_000);
  expect(tries).toBe(before);
});
