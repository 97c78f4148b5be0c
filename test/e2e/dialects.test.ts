import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseSpec } from '../../config/load-spec';
import type { RunSpecInput } from '../../config/spec';
import type { RunSettings } from '../../contract/run-settings';
import { TASK_QUEUES } from '../../contract/task-queues';
import { Endpoints } from '../../services/endpoints/endpoints';
import { stageKeys } from '../../stages/chain';
import { experiment } from '../../workflows';
import { DialectServer } from '../support/dialect-server';
import { DIALECTS } from '../support/dialects';
import { documentedModels, keysOf } from '../support/documented-models';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { replayRowsOf } from '../support/run-end';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const MODELS = documentedModels();
const INSTRUCTIONS = 4;

test('the page has an entry for each dialect, and no other, with a word on its terms and the reference that it is from', () => {
  expect([...MODELS.keys()].sort()).toEqual(Object.keys(DIALECTS).sort());
  const page = readFileSync(join(__dirname, '../../docs/endpoints.md'), 'utf8');
  const sections = new Map(page.split(/^## /m).map((section) => [section.split('\n')[0]!, section]));
  for (const [heading, { reference }] of Object.entries(DIALECTS)) {
    expect(sections.get(heading)).toContain(`*Reference*: <${reference}>`);
    expect(sections.get(heading)).toContain('*Terms*: ');
  }
});

/** A small run in which the page's entry generates and judges. */
function specOf(heading: string, baseURL: string, targetURL: string): RunSpecInput {
  const documented = MODELS.get(heading)!;
  const spec = structuredClone(smallSpec(targetURL)) as RunSpecInput;
  const { limits, ...entry } = documented;
  spec.models = { target: spec.models['target']!, documented: { ...entry, baseURL, limits: { concurrency: limits?.concurrency ?? 4 } } };
  spec.synthesis.extract = { ...spec.synthesis.extract, instructions: INSTRUCTIONS };
  spec.synthesis.respond = { ...spec.synthesis.respond, generators: ['documented'], samples: 2 };
  spec.synthesis.judge = { ...spec.synthesis.judge, judges: ['documented'] };
  spec.variants = ['official'];
  return spec;
}

async function runOf(heading: string): Promise<number | string> {
  const dialect = DIALECTS[heading]!;
  const [server, local] = [await DialectServer.start(dialect), await FakeEndpoint.start()];
  const deps = testDeps({ python: fakePythonJobs([]) });
  const env = keysOf(MODELS.get(heading)!);
  try {
    const spec = parseSpec(specOf(heading, server.baseURL, local.baseURL));
    return await withWorkers(environment(), { ...deps, env, probes: true, endpoints: new Endpoints(env) }, async () => {
      return await replayRowsOf(
        environment().client.workflow.execute(experiment, {
          workflowId: heading.replaceAll(/[^A-Za-z0-9]+/g, '-'),
          taskQueue: TASK_QUEUES.orchestration,
          args: [spec],
        }),
      );
    });
  } finally {
    await Promise.all([server.close(), local.close()]);
    rmSync(deps.root, { recursive: true, force: true });
  }
}

test.each(Object.keys(DIALECTS))(
  '%s, as the page says it, answers and judges a run to its replay set',
  async (heading) => {
    expect(await runOf(heading)).toBe(INSTRUCTIONS);
  },
  600_000,
);

test('what is found is used as the spec would say it, told, kept, and asked no second time', async () => {
  const heading = 'Gemini, compatible API';
  const [server, local] = [await DialectServer.start(DIALECTS[heading]!), await FakeEndpoint.start()];
  const deps = testDeps({ python: fakePythonJobs([]) });
  const env = keysOf(MODELS.get(heading)!);
  const input = specOf(heading, server.baseURL, local.baseURL);
  const { request: _request, supportsN: _supportsN, ...silent } = input.models['documented']!;
  const spec = parseSpec({ ...input, models: { ...input.models, documented: silent } });
  const said = parseSpec({ ...input, models: { ...input.models, documented: { ...silent, request: { omit: ['seed'] } } } });
  const start = async (): Promise<unknown> =>
    await environment().client.workflow.execute(experiment, { workflowId: 'found', taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  try {
    await withWorkers(environment(), { ...deps, env, probes: true, endpoints: new Endpoints(env) }, async () => {
      expect(await start()).toMatchObject({ replayRows: INSTRUCTIONS });
      const asked = server.requests.length + local.requests.length;
      const record = await deps.plans.findRun('found');
      const plan = await deps.plans.load(record?.plan ?? '');
      expect(plan.keys).toEqual(stageKeys(said, plan.content));
      expect(record?.warnings.join('\n')).toMatch(
        /models\.documented\.request: \{omit: \[seed\]\}: found by asking the endpoint, and used/,
      );
      expect(await deps.store.list('probes')).toHaveLength(2);
      expect(record?.probed?.tokens).toBeGreaterThan(0);
      expect(await start()).toMatchObject({ replayRows: INSTRUCTIONS });
      expect(server.requests.length + local.requests.length).toBe(asked);
    });
  } finally {
    await Promise.all([server.close(), local.close()]);
    rmSync(deps.root, { recursive: true, force: true });
  }
}, 600_000);

test('a model whose calls are stored is not asked, so that a run that is whole needs no endpoint', async () => {
  const local = await FakeEndpoint.start();
  const deps = { ...testDeps({ python: fakePythonJobs([]) }), probes: true };
  const spec = smallSpec(local.baseURL, (input) => (input.variants = ['official']));
  const start = async (settings: RunSettings): Promise<unknown> =>
    await environment().client.workflow.execute(experiment, {
      workflowId: 'whole-already',
      taskQueue: TASK_QUEUES.orchestration,
      args: [spec, settings],
    });
  try {
    await withWorkers(environment(), deps, async () => {
      expect(await start({ limits: {}, probe: false })).toMatchObject({ replayRows: 8 });
      await local.close();
      expect(await start({ limits: {} })).toMatchObject({ replayRows: 8 });
    });
    expect(await deps.store.list('probes')).toEqual([]);
  } finally {
    await local.close().catch(() => undefined);
    rmSync(deps.root, { recursive: true, force: true });
  }
}, 600_000);

test('with --no-probe nobody is asked', async () => {
  const local = await FakeEndpoint.start();
  const deps = testDeps({ python: fakePythonJobs([]) });
  const spec = smallSpec(local.baseURL, (input) => (input.variants = ['official']));
  try {
    await withWorkers(environment(), { ...deps, probes: true }, async () => {
      await environment().client.workflow.execute(experiment, {
        workflowId: 'unprobed',
        taskQueue: TASK_QUEUES.orchestration,
        args: [spec, { limits: {}, probe: false }],
      });
    });
    expect(await deps.store.list('probes')).toEqual([]);
    expect(local.requests.every(({ body }) => (body.max_tokens ?? 0) > 16)).toBe(true);
  } finally {
    await local.close();
    rmSync(deps.root, { recursive: true, force: true });
  }
}, 600_000);
