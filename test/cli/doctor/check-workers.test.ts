import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServer } from '../../../cli/doctor/check-server';
import { checkWorkers, workerFinding } from '../../../cli/doctor/check-workers';
import { type WorkerReport } from '../../../contract/worker-report';
import { readGpus, seenGpus } from '../../../services/local/gpus';
import { openStore } from '../../../services/runs/open-store';
import { release, reportWorker } from '../../../services/runs/worker-report';
import type { ArtifactStore } from '../../../services/store/artifact-store';
import { runWorkers } from '../../../workers/run';
import { processIdentity } from '../../../workers/self';
import { until } from '../../support/control';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { useTempFolder } from '../../support/temp-folder';
import { testDeps, useTemporal } from '../../support/temporal';

const folder = useTempFolder();

const REPORT: WorkerReport = {
  host: 'gpu-1',
  pid: 7,
  queues: ['gpu'],
  release: release(),
  node: '20.20.0',
  cpus: 16,
  memoryBytes: 128e9,
  freeMemoryBytes: 100e9,
  gpus: [{ name: 'NVIDIA H100 80GB HBM3', memoryBytes: 85e9, freeBytes: 84e9 }],
  disk: { folder: '/data', freeBytes: 900e9 },
  store: 's3://bucket/runs',
  python: 'ready',
  problems: [],
};

describe('the finding on a worker', () => {
  test('says what it sees', () => {
    expect(workerFinding('7@gpu-1', REPORT)).toEqual({
      check: 'worker 7@gpu-1',
      state: 'ok',
      message: `rehearse-gpu; Rehearse ${release()} on Node.js 20.20.0; 16 CPUs, 100 GB of 128 GB free; NVIDIA H100 80GB HBM3 with 84 GB of 85 GB free; Python environment ready; 900 GB free at /data; store s3://bucket/runs`,
    });
  });

  test.each<[string, Partial<WorkerReport>, string, RegExp]>([
    ['a store that cannot be written from there', { problems: ['store: s3://bucket/runs cannot be reached'] }, 'fail', /on that machine/],
    ['a disk that is nearly full', { disk: { folder: '/data', freeBytes: 5e8 } }, 'fail', /free some/],
    ['another release', { release: '0.0.9' }, 'warn', /must be of one release/],
    ['a missing Python environment', { python: 'not made yet' }, 'warn', /first training makes the environment/],
  ])('minds %s', (_, change, state, fix) => {
    expect(workerFinding('7@gpu-1', { ...REPORT, ...change })).toMatchObject({ state, fix: expect.stringMatching(fix) as string });
  });

  test('does not mind what only training needs where nothing is trained', () => {
    expect(workerFinding('7@cpu-1', { ...REPORT, queues: ['llm'], gpus: [], python: 'not made yet' })).toMatchObject({
      state: 'ok',
      message: expect.stringContaining('no GPU') as string,
    });
  });
});

describe('GPUs', () => {
  test('are read with their memory, whatever their name', () => {
    expect(readGpus('NVIDIA H100 80GB HBM3, 81559, 81070\nOdd, name, 100, [N/A]\n')).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', memoryBytes: 81_559 * 1_048_576, freeBytes: 81_070 * 1_048_576 },
      { name: 'Odd, name', memoryBytes: 104_857_600, freeBytes: 0 },
    ]);
  });

  test('are asked of nvidia-smi; without it there are none', async () => {
    const tool = join(folder(), 'nvidia-smi');
    expect(await seenGpus({ PATH: folder() })).toEqual([]);
    writeFileSync(tool, '#!/bin/sh\necho "Test GPU, 1024, 512"\n');
    chmodSync(tool, 0o755);
    expect(await seenGpus({ PATH: `${folder()}:/bin:/usr/bin` })).toEqual([
      { name: 'Test GPU', memoryBytes: 1024 * 1_048_576, freeBytes: 512 * 1_048_576 },
    ]);
  });
});

test('a report tells of a store that fails instead of failing', async () => {
  const { store } = openStore(folder());
  const broken = new Proxy(store, {
    get: (target, name) =>
      name === 'create'
        ? async () => Promise.reject(new Error('the disk is read-only\nat somewhere'))
        : Reflect.get(target, name).bind(target),
  }) as ArtifactStore;
  expect((await reportWorker(['cpu'], broken)).problems).toEqual(['store: the disk is read-only']);
});

describe('workers of a server', () => {
  const environment = useTemporal();
  const root = mkdtempSync(join(tmpdir(), 'rehearse-test-'));

  afterAll(async () => {
    rmSync(root, { recursive: true });
  });

  test('are asked each for itself; one that is gone is told of', async () => {
    const stop = new AbortController();
    const running = runWorkers({
      queues: ['orchestration', 'gpu'],
      setting: { connection: environment().nativeConnection, namespace: environment().namespace ?? 'default' },
      deps: (draining) => testDeps({ python: fakePythonJobs(), root, draining }),
      stop: stop.signal,
      onReady: () => undefined,
    });
    try {
      const [alive, gone] = await checkWorkers(environment().client, [processIdentity(), '1@nowhere'], 15_000);
      expect(alive).toMatchObject({
        check: `worker ${processIdentity()}`,
        message: expect.stringContaining(`rehearse-orchestration, rehearse-gpu; Rehearse ${release()}`) as string,
      });
      expect(alive?.message).toContain(`store ${root}`);
      expect(gone).toMatchObject({
        check: 'worker 1@nowhere',
        state: 'warn',
        message: expect.stringContaining('does not answer') as string,
      });

      process.env['TEMPORAL_ADDRESS'] = environment().address;
      const findings = await until(async () => {
        const found = await checkServer();
        return found.some(({ check }) => check === alive?.check) ? found : undefined;
      });
      expect(findings.map(({ check }) => check)).toEqual([
        'server',
        'search attributes',
        'rehearse-orchestration',
        'rehearse-llm',
        'rehearse-cpu',
        'rehearse-gpu',
        alive?.check,
      ]);
      expect(findings.find(({ check }) => check === 'rehearse-gpu')?.message).toBe(`1 worker: ${processIdentity()}`);
    } finally {
      delete process.env['TEMPORAL_ADDRESS'];
      stop.abort();
      await running;
    }
  }, 120_000);
});
