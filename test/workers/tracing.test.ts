import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { stringify } from 'yaml';
import { openTracing } from '../../services/tracing/tracing';
import { FakeEndpoint } from '../support/fake-endpoint';
import { OtlpReceiver } from '../support/otlp-receiver';
import { rehearse } from '../support/rehearse';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { useTemporal } from '../support/temporal';

const environment = useTemporal();
const folder = useTempFolder();
const KEY = randomBytes(20).toString('hex');
/** Words of every instruction, response and judgment of the fake endpoint. */
const TEXTS = ['(case ', 'begin with', 'of 255 respects'];

test('a traced run is one trace from the command through workflows and activities to model calls, without a text or a key', async () => {
  const endpoint = await FakeEndpoint.start({ apiKey: KEY });
  const collector = await OtlpReceiver.start();
  const env = {
    SPANS_KEY: KEY,
    TEMPORAL_ADDRESS: environment().address,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-team=training',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    REHEARSE_TRACE_CALLS: '1',
    REHEARSE_LOG: 'error',
  };
  const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(['worker', '--queue', 'orchestration', 'llm', 'cpu']);`;
  const worker = spawn(process.execPath, ['-r', resolve('test/support/ts-hook.cjs'), '-e', script], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env, REHEARSE_HOME: folder() },
  });
  try {
    // Words of an error may quote what a server, and so a model, wrote.
    endpoint.inject({ kind: 'status', status: 500, message: `(case 1) ${KEY}` }, { times: 3 });
    const spec = smallSpec(endpoint.baseURL, (each) => {
      each.until = 'replay';
      delete (each as { train?: unknown }).train;
      for (const model of Object.values(each.models)) model.apiKeyEnv = 'SPANS_KEY';
    });
    const file = join(folder(), 'traced.yaml');
    writeFileSync(file, stringify(JSON.parse(JSON.stringify(spec))));
    const started = await rehearse(['start', file, '--id', 'traced', '--no-probe'], { home: folder(), env });
    expect([started.code, started.stderr]).toEqual([0, expect.not.stringContaining('spans')]);
    await environment().client.workflow.getHandle('traced').result();
  } finally {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
    await endpoint.close();
    await collector.close();
  }
  const calls = collector.spans.filter(({ name }) => name.startsWith('chat ') || name.startsWith('text_completion '));
  expect(calls).toHaveLength(endpoint.requests.filter(({ answered }) => answered).length);
  expect(new Set(collector.spans.filter(({ name }) => !name.includes('Describe')).map(({ traceId }) => traceId)).size).toBe(1);
  const judged = calls.map((call) => collector.pathTo(call).join(' > ')).filter((path) => path.includes('judge'));
  expect(judged[0]).toMatch(
    /^StartWorkflow:experiment > RunWorkflow:experiment > StartChildWorkflow:synthesis > RunWorkflow:synthesis > StartChildWorkflow:synthesizeShard > RunWorkflow:synthesizeShard > StartActivity:judge\w* > RunActivity:judge\w* > (chat|text_completion) (target|other)$/,
  );
  expect(calls[0]?.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'rehearse.outcome': 'answered' });
  expect(collector.headers[0]?.['x-team']).toBe('training');
  expect(collector.bytes).toContain('deployment.environment');
  expect([KEY, KEY.slice(4, 16), ...TEXTS, 'newShare', folder()].filter((text) => collector.bytes.includes(text))).toEqual([]);
}, 600_000);

test('runs that began without spans go on under workers that trace', async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: resolve('workflows'),
    workflowInterceptorModules: [resolve('workers/workflow-spans.ts')],
    logger: new DefaultLogger('ERROR'),
  });
  const histories = readdirSync('test/replay/histories').map((name) => {
    const text = readFileSync(join('test/replay/histories', name), 'utf8');
    const history = temporal.api.history.v1.History.fromObject(JSON.parse(text) as Record<string, unknown>);
    return { history, workflowId: history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '' };
  });
  const sinks = { exporter: { export: { fn: () => undefined } } };
  const ends: (Error | undefined)[] = [];
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: { code }, sinks }, histories)) ends.push(error);
  expect(ends).toEqual(histories.map(() => undefined));
}, 600_000);

test.each<[string, Record<string, string>]>([
  ['without a variable', {}],
  ['when the SDK is disabled', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
  ['with no exporter', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
])('nothing is traced %s', async (_, env) => {
  expect(await openTracing(env, '1', () => undefined)).toBeUndefined();
});

test.each([
  [{ OTEL_TRACES_EXPORTER: 'console' }, 'OTEL_TRACES_EXPORTER is "console"; spans are sent as otlp'],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; spans are sent as http/protobuf',
  ],
  [{ REHEARSE_TRACE_CALLS: '5%' }, 'REHEARSE_TRACE_CALLS is "5%", expected the part of model calls that get a span, from 0 to 1'],
])('what is not there is said: %j', async (env, sentence) => {
  await expect(openTracing(env, '1', () => undefined)).rejects.toThrow(sentence);
});
