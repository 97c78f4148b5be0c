import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const { bootstrap } = require('../../bin/bootstrap') as { bootstrap: () => Promise<void> };

const MOST_BYTES = 4_000_000;
const NAME = 'rehearse-sft';
let folder: string;
let files: string[];
let bytes: number;

/** A folder with the package and, beside it, what it depends on, as `npm install` makes it; nothing is fetched. */
beforeAll(async () => {
  await bootstrap();
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.package.json'], { stdio: 'inherit' });
  folder = mkdtempSync(join(tmpdir(), 'rehearse-package-'));
  const said = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { encoding: 'utf8' });
  const [packed] = JSON.parse(said) as { filename: string; files: { path: string }[] }[];
  files = packed!.files.map(({ path }) => path);
  const tarball = join(folder, packed!.filename);
  bytes = statSync(tarball).size;
  execFileSync('tar', ['xzf', tarball, '-C', folder]);
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  renameSync(join(folder, 'package'), join(modules, NAME));
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(modules, name));
  }
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(args: readonly string[]): { readonly code: number; readonly out: string } {
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_DATA_HOME: join(folder, 'data'), TEMPORAL_ADDRESS: '127.0.0.1:1' };
  delete env['REHEARSE_HOME'];
  try {
    return {
      code: 0,
      out: execFileSync(process.execPath, [join(folder, 'node_modules', NAME, 'bin', 'rehearse.js'), ...args], {
        cwd: folder,
        env,
        encoding: 'utf8',
      }),
    };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, out: stdout + stderr };
  }
}

test('it is small, and holds what runs, and neither tests nor benchmarks nor what only a checkout needs', () => {
  expect(bytes).toBeLessThan(MOST_BYTES);
  expect(files).toEqual(
    expect.arrayContaining([
      'bin/rehearse.js',
      'dist/cli/main.js',
      'dist/cli/outline.json',
      'dist/workflow-bundle.js',
      'dist/api/index.js',
      'dist/api/index.d.ts',
      'config/demo.yaml',
      'config/run-spec.schema.json',
      'python/requirements.lock',
      'python/rehearse_ml/__main__.py',
      'examples/demo/new-data.jsonl',
      'LICENSE',
      'README.md',
    ]),
  );
  expect(
    files.filter((path) => /(^|\/)(tests?|bench|gate|__pycache__|node_modules)\/|\.map$|tsbuildinfo|\.ts$(?<!\.d\.ts)/.test(path)),
  ).toEqual([]);
});

test('its command runs outside of a checkout, compiles nothing, and keeps its data where npm does not clear up', () => {
  expect(run(['--help']).out).toContain('start [options] <spec>');
  expect(run(['plan', 'demo', '--json'])).toMatchObject({ code: 0 });
  expect(run(['list', '--json'])).toEqual({ code: 0, out: '[]\n' });
  const { code, out } = run(['start', 'demo']);
  expect([code, out]).toEqual([3, expect.stringContaining('no Temporal server answers')]);
  run(['doctor']);
  expect(existsSync(join(folder, 'data', 'rehearse', 'store'))).toBe(true);
  expect(existsSync(join(folder, 'node_modules', NAME, '.rehearse'))).toBe(false);
});

test('a program in TypeScript starts and steers runs with its types', () => {
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(folder, 'program.ts'),
    `import { Client, Connection } from '@temporalio/client';
import { parseSpec, pauseUpdate, startRun, TASK_QUEUES, type ExperimentResult, type experiment, type RunSpecInput } from '${NAME}';
import schema from '${NAME}/spec.schema.json' with { type: 'json' };

const input: RunSpecInput = { version: 1, models: {}, target: { model: 'm', weights: 'w' } } as unknown as RunSpecInput;
export async function run(): Promise<ExperimentResult> {
  const client = new Client({ connection: await Connection.connect() });
  await startRun(client, 'my-run', parseSpec(input));
  const handle = client.workflow.getHandle<typeof experiment>('my-run');
  await handle.executeUpdate(pauseUpdate, { args: [{ reason: TASK_QUEUES.llm }] });
  return await handle.result();
}
export const title: string = schema.title ?? '';
// @ts-expect-error -- there is no such queue
export const wrong: string = TASK_QUEUES.nothing;
`,
  );
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        resolveJsonModule: true,
        types: ['node'],
      },
      files: ['program.ts'],
    }),
  );
  execFileSync('node_modules/.bin/tsc', ['-p', join(folder, 'tsconfig.json')], { stdio: 'inherit' });
  const said = execFileSync(process.execPath, ['-e', `import('${NAME}').then((api) => console.log(Object.keys(api).join()))`], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(said).toContain('startRun');
});
