import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { ListedRun } from '../../cli/commands/list';
import type { RunSpec } from '../../config/spec';
import { ensureModel } from '../../services/local/local-model';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { loadSpecFile } from '../../services/runs/spec-files';
import { loadCompose } from '../support/compose/compose-file';
import { NativeServices } from '../support/compose/native-services';
import { FakeEndpoint } from '../support/fake-endpoint';
import { writeNarrowModel } from '../support/narrow-model';
import { smallSpec } from '../support/small-spec';
import { quietReporter } from '../support/temporal';
import { S3Server } from '../support/versitygw';

// Needs PostgreSQL (Debian: apt install postgresql) and builds Temporal's servers the first time: `npm run test:long compose`.
const natively = process.env['REHEARSE_COMPOSE'] === '1' ? describe : describe.skip;

/** All but the Web UI, whose module `go install` does not take; `npm run test:long webui` opens that of the dev server. */
const SERVERS = ['postgresql', 'temporal', 'redis'];
const WORKERS = ['worker-orchestration', 'worker-llm', 'worker-cpu', 'worker-training-on-cpu'];

natively('the services of docker-compose.yml as processes', () => {
  let folder: string;
  let bucket: S3Server;
  let endpoint: FakeEndpoint;
  let services: NativeServices;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rehearse-compose-'));
    bucket = await S3Server.start(quietReporter);
    endpoint = await FakeEndpoint.start();
    const specs = join(folder, 'specs');
    mkdirSync(specs);
    const python = await ensurePython(quietReporter);
    await writeNarrowModel(python, (await ensureModel(quietReporter, python)).weightsDir, join(specs, 'weights'));
    writeFileSync(join(specs, 'run.json'), JSON.stringify(await wholeSpec(endpoint.baseURL, join(specs, 'weights'))));
    const example = parseEnv(readFileSync(join(projectDir(), 'deploy', 'env.example'), 'utf8')) as Record<string, string>;
    const { REHEARSE_S3_ENDPOINT, ...keys } = bucket.env as { REHEARSE_S3_ENDPOINT: string } & Record<string, string>;
    const env = { POSTGRES_PASSWORD: 'only+for/this%test', REHEARSE_SPECS: specs, REHEARSE_STORE: `s3://${bucket.bucket}/composed` };
    services = new NativeServices(loadCompose({ ...example, ...env, REHEARSE_S3_ENDPOINT }), folder, keys);
  }, 1_800_000);

  afterAll(async () => {
    await services.close();
    await endpoint.close();
    await bucket.close();
  }, 600_000);

  test('PostgreSQL, Temporal, Redis and the workers come up one after the other, healthy by the checks of the file', async () => {
    await services.up(...SERVERS, ...WORKERS);
    expect(services.started).toEqual(['postgresql', 'temporal-schema', 'temporal', 'redis', 'temporal-namespace', ...WORKERS]);
  }, 1_800_000);

  test('the client finds server, search attributes, limits, store and a worker for each queue', async () => {
    const { code, stdout } = await services.run('cli', 'doctor', '--json');
    expect([code, stdout]).toEqual([0, expect.stringContaining('rehearse-gpu')]);
  }, 600_000);

  test('an experiment runs to its end: answered, judged, mixed, trained, evaluated, reported', async () => {
    const started = await services.run('cli', 'start', '/specs/run.json', '--id', 'composed', '--wait');
    expect([started.code, started.stderr]).toEqual([0, expect.any(String)]);
    const replay = await services.run('cli', 'export', 'composed', '--stage', 'replay');
    expect(replay.stdout.trim().split('\n')).toHaveLength(8);
    const evaluated = await services.run('cli', 'export', 'composed', '--stage', 'evaluation');
    const variants = evaluated.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { variant: string }).variant);
    expect(new Set(variants)).toEqual(new Set(['official', 'method']));
    expect(readFileSync(bucket.fileOf('composed/runs/composed/report/report.html'), 'utf8')).toContain('composed');
  }, 1_800_000);

  test('stopped and started again, all is still there, and what was made is not made again', async () => {
    const calls = endpoint.requests.length;
    await services.stop();
    await services.up(...SERVERS, ...WORKERS);
    const listed = JSON.parse((await services.run('cli', 'list', '--json')).stdout) as ListedRun[];
    expect(listed).toEqual([expect.objectContaining({ runId: 'composed', status: 'COMPLETED' })]);
    expect((await services.run('cli', 'start', '/specs/run.json', '--id', 'again', '--wait', '--no-probe')).code).toBe(0);
    expect(endpoint.requests).toHaveLength(calls);
  }, 1_800_000);
});

/** Every stage, on a model that trains in seconds. */
async function wholeSpec(baseURL: string, weights: string): Promise<RunSpec> {
  const { evaluate } = await loadSpecFile('demo');
  return smallSpec(baseURL, (spec) => {
    spec.target.weights = weights;
    delete spec.target.revision;
    spec.train = { maxSteps: 2, perDeviceBatchSize: 1, maxLength: 256, dtype: 'float32', gradientCheckpointing: false, threads: 1 };
    spec.evaluate = { ...evaluate, tasks: evaluate.tasks.filter(({ task }) => task === 'gpqa').map((task) => ({ ...task, limit: 2 })) };
    spec.variants = ['official', 'method'];
  });
}
