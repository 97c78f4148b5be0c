import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPythonJobs, PythonJobError, type PythonJob } from '../../../services/python/python-jobs';
import { type PythonEvent } from '../../../services/python/python-protocol';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();

/** What every fake interpreter can say; `args` is what follows `python`, `spec` the parsed spec file. */
const PRELUDE = `
const { readFileSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const { join } = require('node:path');
const args = process.argv.slice(2);
const spec = JSON.parse(readFileSync(args[args.indexOf('--spec') + 1], 'utf8'));
const emit = (event) => process.stdout.write(JSON.stringify({ v: 1, at: '2026-01-01T00:00:00Z', ...event }) + '\\n');
const progress = (done) => emit({ type: 'progress', phase: 'train', done, total: 2, loss: 1.5 });
const result = (tasks) => {
  const path = join(spec.outputDir, 'result.json');
  writeFileSync(path, JSON.stringify({ protocol: spec.protocol, kind: 'tasks', tasks }));
  emit({ type: 'result', path });
};
const forever = () => setInterval(() => undefined, 1000);
`;

/** Runs a job whose interpreter is a script with this body: a real process, a real pipe, real signals. */
async function run(
  body: string,
  options: Partial<PythonJob<'tasks'>> & {
    readonly killAfterMs?: number;
    readonly stallAfterMs?: number;
    readonly env?: NodeJS.ProcessEnv;
  } = {},
) {
  const python = join(temp(), 'python');
  await writeFile(python, `#!${process.execPath}\n${PRELUDE}\n${body}`, { mode: 0o755 });
  const { killAfterMs, stallAfterMs, env = {}, ...job } = options;
  const events: PythonEvent[] = [];
  const jobs = createPythonJobs({ environment: async () => ({ python, env }), killAfterMs, stallAfterMs });
  const outcome = jobs.run({
    command: 'tasks',
    spec: { outputDir: join(temp(), 'out'), tasks: ['seven'] },
    stop: new AbortController().signal,
    onEvent: (event) => events.push(event),
    ...job,
  });
  return { outcome, events };
}

async function failureOf(body: string, options?: Parameters<typeof run>[1]): Promise<PythonJobError> {
  const { outcome } = await run(body, options);
  const error: unknown = await outcome.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(PythonJobError);
  return error as PythonJobError;
}

/** Resolves at the first event that holds; the promise is there before the job begins. */
function whenEvent(holds: (event: PythonEvent) => boolean): { onEvent: (event: PythonEvent) => void; seen: Promise<PythonEvent> } {
  let onEvent: (event: PythonEvent) => void = () => undefined;
  const seen = new Promise<PythonEvent>((resolve) => {
    onEvent = (event) => holds(event) && resolve(event);
  });
  return { onEvent, seen };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a job gets its command and spec, tells its events, and returns its result', async () => {
  const { outcome, events } = await run(
    `
    progress(1);
    emit({ type: 'checkpoint', step: 1, path: '/x' });
    process.stderr.write('loading ' + args.slice(0, 4).join(' ') + ' ' + process.env.MARK);
    result(spec.tasks);
  `,
    { env: { MARK: 'mark' } },
  );
  expect(await outcome).toEqual({ protocol: 1, kind: 'tasks', tasks: ['seven'] });
  expect(events.map(({ type }) => type)).toEqual(['progress', 'checkpoint', 'result']);
  expect(events[0]).toMatchObject({ phase: 'train', done: 1, total: 2, loss: 1.5 });
  expect(await readFile(join(temp(), 'out/tasks.log'), 'utf8')).toBe('loading -m rehearse_ml tasks --spec mark');
});

test("the worker's own environment is not handed on", async () => {
  process.env['REHEARSE_TEST_SECRET'] = 'secret';
  try {
    const { outcome } = await run("result([process.env.REHEARSE_TEST_SECRET ?? 'none']);");
    expect(await outcome).toMatchObject({ tasks: ['none'] });
  } finally {
    delete process.env['REHEARSE_TEST_SECRET'];
  }
});

test("an error event is the job's failure, with its hint", async () => {
  const error = await failureOf(
    `emit({ type: 'error', kind: 'out_of_memory', message: 'CUDA ran out of memory.', hint: 'Lower perDeviceBatchSize.' }); process.exitCode = 1;`,
  );
  expect(error).toMatchObject({ kind: 'out_of_memory', message: 'CUDA ran out of memory. Lower perDeviceBatchSize.', retryable: false });
});

test.each([
  ['interrupted', true],
  ['internal', true],
  ['bad_spec', false],
  ['bad_data', false],
  ['dataset_not_found', false],
  ['hub_unreachable', true],
  ['weights_not_found', false],
  ['nan_loss', false],
  ['missing_gpu', false],
  ['missing_package', false],
  ['out_of_memory', false],
  ['tokenizer_mismatch', false],
  ['chat_template', false],
  ['disk_full', true],
  ['stalled', true],
] as const)('a failure of kind %s is worth another try: %s', (kind, retryable) => {
  expect(new PythonJobError(kind, 'x').retryable).toBe(retryable);
});

test('a kind that is not known is worth another try, and its message is told', async () => {
  const error = await failureOf(`emit({ type: 'error', kind: 'of_tomorrow', message: 'New.', hint: 'Wait.' }); process.exitCode = 1;`);
  expect(error).toMatchObject({ kind: 'internal', message: 'New. Wait.', retryable: true });
});

test('a line that is no event fails the job, although it ended well', async () => {
  const error = await failureOf(`console.log('Downloading shards: 100%'); result([]);`);
  expect(error).toMatchObject({
    kind: 'internal',
    message: 'rehearse_ml tasks printed a line that is no event of protocol 1: Downloading shards: 100%',
  });
});

test('an event of another protocol version is no event', async () => {
  expect((await failureOf(`emit({ v: 2, type: 'log', level: 'info', message: 'x' });`)).message).toContain(
    'is no event of protocol 1: {"v":2',
  );
});

test('an error event counts more than a stray line before it', async () => {
  expect(
    (await failureOf(`console.log('oops'); emit({ type: 'error', kind: 'bad_data', message: 'm', hint: 'h' }); process.exitCode = 1;`))
      .kind,
  ).toBe('bad_data');
});

test('an end without a result is a failure with the end of the log', async () => {
  const error = await failureOf(`process.stderr.write('x'.repeat(5000) + '\\nTraceback: boom'); process.exitCode = 3;`);
  expect(error.message).toMatch(/^rehearse_ml tasks ended with exit code 3 and no result; the end of its log: x+\nTraceback: boom$/);
  expect(error.message.length).toBeLessThan(2_200);
});

test('a good end without a result is a failure too', async () => {
  expect((await failureOf('progress(1);')).message).toBe(
    'rehearse_ml tasks ended with exit code 0 and no result; the end of its log: (empty)',
  );
});

test('a result that is followed by a bad exit is a failure', async () => {
  expect((await failureOf(`result([]); process.exitCode = 1;`)).message).toContain('ended with exit code 1');
});

test('a process that is killed by the system is told by the signal', async () => {
  expect((await failureOf(`process.kill(process.pid, 'SIGKILL'); forever();`)).message).toContain('ended with SIGKILL and no result');
});

test.each([
  ['of another shape', `result('seven');`],
  ['that is missing', `emit({ type: 'result', path: join(spec.outputDir, 'none.json') });`],
])('a result %s is a failure that names the file', async (_, body) => {
  const error = await failureOf(body);
  expect(error.message).toMatch(
    /^the result .*\.json is not what protocol 1 says; check that the workers and rehearse_ml are of the same release$/,
  );
  expect(error.cause).toBeDefined();
});

test('an interpreter that is not there is told by its path', async () => {
  const jobs = createPythonJobs({ environment: async () => ({ python: '/no/such/python', env: {} }) });
  const running = jobs.run({
    command: 'tasks',
    spec: { outputDir: temp(), tasks: [] },
    stop: new AbortController().signal,
    onEvent: () => undefined,
  });
  await expect(running).rejects.toThrow(/^\/no\/such\/python could not be started: .*ENOENT; run "rehearse doctor"$/);
});

test('of several processes the one that failed counts, not those that were ended because of it', async () => {
  const ended = `emit({ type: 'error', kind: 'interrupted', message: 'Ended.', hint: 'Again.' });`;
  const failed = `emit({ type: 'error', kind: 'out_of_memory', message: 'No memory on one of them.', hint: 'Less.' });`;
  expect((await failureOf(`${ended}\n${failed}\nprocess.exitCode = 1;`)).kind).toBe('out_of_memory');
  expect((await failureOf(`${failed}\n${ended}\nprocess.exitCode = 1;`)).kind).toBe('out_of_memory');
});

test('a job that hangs is ended with all that it started, and may be tried again', async () => {
  // It says something now and then at first: each word gives it as much time again.
  const body = `
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    writeFileSync(join(spec.outputDir, 'child'), String(child.pid));
    for (const done of [0, 1, 2]) setTimeout(() => progress(done), done * 100);
    forever();`;
  const { outcome, events } = await run(body, { stallAfterMs: 1_500 });
  const error = await outcome.then(
    () => undefined,
    (cause: unknown) => cause as PythonJobError,
  );
  expect(error).toMatchObject({ kind: 'stalled', retryable: true });
  expect(error?.message).toContain('rehearse_ml tasks said nothing for 1.5s and was ended; it goes on from what it had saved');
  expect(events).toHaveLength(3);
  const child = Number(await readFile(join(temp(), 'out', 'child'), 'utf8'));
  await untilGone(child);
});

test('what a launcher has started does not outlive it', async () => {
  const body = `
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
    writeFileSync(join(spec.outputDir, 'child'), String(child.pid));
    process.exit(3);`;
  expect((await failureOf(body)).message).toContain('exit code 3');
  await untilGone(Number(await readFile(join(temp(), 'out', 'child'), 'utf8')));
});

/** Waits for a process that was sent SIGKILL. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      if (/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a stop', () => {
  const reason = new Error('draining');

  test('tells the job with SIGTERM, waits for its end, and throws the reason', async () => {
    const controller = new AbortController();
    const started = whenEvent(({ type }) => type === 'progress');
    const { outcome } = await run(
      `process.on('SIGTERM', () => { writeFileSync(join(spec.outputDir, 'saved'), 'yes'); emit({ type: 'error', kind: 'interrupted', message: 'm', hint: 'h' }); process.exit(1); });
       progress(1); forever();`,
      { stop: controller.signal, onEvent: started.onEvent },
    );
    await started.seen;
    controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(await readFile(join(temp(), 'out/saved'), 'utf8')).toBe('yes');
  });

  test('reaches the processes that the job has started', async () => {
    const controller = new AbortController();
    const started = whenEvent(({ type }) => type === 'checkpoint');
    const { outcome } = await run(
      `const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
       process.on('SIGTERM', () => undefined);
       child.once('exit', (code, signal) => { emit({ type: 'log', level: 'info', message: String(signal) }); process.exit(1); });
       child.once('spawn', () => emit({ type: 'checkpoint', step: child.pid, path: '' }));`,
      { stop: controller.signal, onEvent: started.onEvent },
    );
    const event = await started.seen;
    const childPid = event.type === 'checkpoint' ? event.step : 0;
    expect(alive(childPid)).toBe(true);
    controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(alive(childPid)).toBe(false);
  });

  test('kills a group that does not listen, once its time to save is over', async () => {
    const controller = new AbortController();
    const started = whenEvent(({ type }) => type === 'checkpoint');
    const { outcome } = await run(
      `process.on('SIGTERM', () => undefined);
       emit({ type: 'checkpoint', step: process.pid, path: '' }); forever();`,
      { stop: controller.signal, onEvent: started.onEvent, killAfterMs: 50 },
    );
    const event = await started.seen;
    controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(alive(event.type === 'checkpoint' ? event.step : 0)).toBe(false);
  });

  test('that comes when the job has just finished keeps its result', async () => {
    const controller = new AbortController();
    const { outcome } = await run(`process.on('SIGTERM', () => { result(['nine']); process.exit(0); }); progress(1); forever();`, {
      stop: controller.signal,
      onEvent: ({ type }) => type === 'progress' && controller.abort(reason),
    });
    expect(await outcome).toMatchObject({ tasks: ['nine'] });
  });

  test('before the start, or while the environment is being set up, starts nothing', async () => {
    const { outcome } = await run('result([]);', { stop: AbortSignal.abort(reason) });
    await expect(outcome).rejects.toBe(reason);

    const controller = new AbortController();
    const jobs = createPythonJobs({
      environment: async () => {
        controller.abort(reason);
        return { python: '/no/such/python', env: {} };
      },
    });
    const running = jobs.run({
      command: 'tasks',
      spec: { outputDir: join(temp(), 'out'), tasks: [] },
      stop: controller.signal,
      onEvent: () => undefined,
    });
    await expect(running).rejects.toBe(reason);
  });
});

test('a log that cannot be written does not bring the worker down', async () => {
  await mkdir(join(temp(), 'out/tasks.log'), { recursive: true });
  const { outcome } = await run(`process.stderr.write('x'.repeat(100)); result([]);`);
  expect(await outcome).toMatchObject({ tasks: [] });
});
