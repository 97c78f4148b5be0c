import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TASK_QUEUES } from '../../contract/task-queues';
import { ensureModel, startModelServer, type ModelServer } from '../../services/local/local-model';
import { ensurePython } from '../../services/local/python-environment';
import { createPythonJobs } from '../../services/python/python-jobs';
import { createWeightsResolver } from '../../services/training/weights';
import { judgeStage } from '../../stages/judge';
import { mixStage } from '../../stages/mix';
import type { Output } from '../../stages/stage';
import { trainStage } from '../../stages/train';
import { experiment } from '../../workflows';
import { smallestDemo } from '../support/smallest-demo';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
let server: ModelServer;
let resolved: { readonly python: Awaited<ReturnType<typeof ensurePython>>; readonly weightsDir: string };

beforeAll(async () => {
  const python = await ensurePython(quietReporter);
  const { gguf, weightsDir } = await ensureModel(quietReporter, python);
  resolved = { python, weightsDir };
  server = await startModelServer({ gguf, python, logFile: join(testHome, 'model.log'), concurrency: 4 });
}, 900_000);

afterAll(async () => {
  await server.stop();
});

// The model server's state lies in the data folder; tests have one of their own.
const testHome = join(__dirname, '../../.rehearse/e2e');
process.env['REHEARSE_HOME'] = testHome;

test('the whole method runs on the real model: extracted, answered, judged, mixed, trained, evaluated, reported', async () => {
  const { python, weightsDir } = resolved;
  const deps = {
    ...testDeps({ python: createPythonJobs({ environment: async () => python }) }),
    weights: createWeightsResolver(async () => weightsDir),
  };
  const spec = await smallestDemo(server.baseURL);
  const result = await withWorkers(
    environment(),
    deps,
    async () =>
      await environment().client.workflow.execute(experiment, {
        workflowId: 'whole-method',
        taskQueue: TASK_QUEUES.orchestration,
        args: [spec],
      }),
  );
  expect(result.replayRows).toBeGreaterThan(0);

  const plan = await deps.plans.load((await deps.plans.findRun('whole-method'))?.plan ?? '');
  const rows = async <Row extends object>(output: Output<Row>): Promise<Row[]> => {
    const stored = await deps.stages.latest(output);
    if (stored === undefined) throw new Error(`${deps.stages.folder(output.address)} is missing`);
    return await deps.stages.readRows(stored);
  };
  const [shard] = plan.shards;
  if (shard === undefined) throw new Error('no shard');
  const judgments = await rows(judgeStage.at(plan, shard, 'smollm2-creative', 'smollm2-precise'));
  expect(judgments.map(({ scoredBy, score }) => scoredBy === 'expected' && score !== null && score > 1 && score < 5)).toEqual(
    judgments.map(() => true),
  );
  const mixture = await rows(mixStage.at(plan, 'method'));
  expect(mixture.filter(({ source }) => source === 'new')).toHaveLength(1);
  const losses = await rows(trainStage.at(plan, 'method'));
  expect(losses.map(({ step }) => step)).toEqual([1, 2]);
  expect(losses.every(({ loss }) => loss > 0 && loss < 10)).toBe(true);

  const method = result.variants.find(({ variant }) => variant === 'method');
  expect(Object.keys(method?.scores ?? {})).toEqual(['mmlu_pro', 'gpqa', 'ifeval', 'math_level_5']);
  expect(statSync(join(method?.checkpoint ?? '', 'model.safetensors')).size).toBeGreaterThan(500e6);
  expect(readFileSync(result.report, 'utf8')).toContain('whole-method');
}, 900_000);
