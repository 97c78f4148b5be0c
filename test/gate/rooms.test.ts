import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

interface Room {
  readonly imports?: readonly string[];
  readonly types?: readonly string[];
}
const { ROOMS } = jest.requireActual<{ ROOMS: Readonly<Record<string, Room>> }>('../../gate/rooms.js');

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rehearse-rooms-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text}\n`);
  }
}

/** What the check says of a checkout with these files alone, one finding a line. */
function check(files: Readonly<Record<string, string>>): { readonly status: number | null; readonly findings: string[] } {
  write(files);
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('gate/check-rooms.js'), root], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return { status, findings: stdout.split('\n').filter((line) => line !== '') };
}

/** An import of one thing from each place, one a line. */
const imports = (...places: string[]): string => places.map((place, index) => `import { x as x${index} } from '${place}';`).join('\n');

test('an import upwards is refused in every room, with its line, its target, and what the room may import', () => {
  const { status, findings } = check({
    'method/a.ts': imports('./b', '../config/spec', 'node:fs', 'simple-statistics'),
    'config/a.ts': imports('../method/a', '../stages/a'),
    'contract/a.ts': imports('../method/a'),
    'stages/a.ts': imports('../method/a', '../services/store/a'),
    'planning/a.ts': imports('../stages/a', '../services/store/a', 'zod'),
    'services/timing/a.ts': imports('../limits/a'),
    'services/limits/a.ts': imports('../timing/a', '../endpoints/a'),
    'services/endpoints/a.ts': imports('../limits/a', '../../cli/a'),
    'services/store/a.ts': imports('../../stages/a', '../journal/a'),
    'services/data/a.ts': imports('../store/a', '../runs/a'),
    'services/journal/a.ts': imports('../store/a', '../batches/a'),
    'services/batches/steps/a.ts': imports('../../../planning/a', '../batch', '../../runs/a'),
    'services/local/a.ts': imports('../../workers/a'),
    'services/python/a.ts': imports('../timing/a', '../training/a'),
    'services/training/a.ts': imports('../python/a', '../../activities/a'),
    'services/fine-tuning/a.ts': imports('../endpoints/a', '../../workflows/a'),
    'services/runs/a.ts': imports('../training/a', '../../report/render/a'),
    'report/gather/a.ts': imports('../../services/store/a', '../page/a'),
    'report/page/sections/a.ts': imports('../../../method/a', '../../render/a'),
    'report/render/a.ts': imports('../gather/a', '../../activities/a'),
    'export/a.ts': imports('../services/store/a', '../report/page/a'),
    'activities/a.ts': imports('../report/render/a', '../export/a', '../workflows/a'),
    'workflows/control/a.ts': imports(
      '../../contract/a',
      '@temporalio/workflow',
      '../../activities/a',
      '../../services/store/a',
      'node:path',
    ),
    'workers/a.ts': imports('../activities/a', '../workflows/a', '../cli/a'),
    'cli/commands/a.ts': imports('../../workers/a', '../../workflows/a', '../../test/support/a', '../../bench/a'),
    'bench/a.ts': imports('../cli/a', '../test/support/a'),
    'test/a/a.test.ts': imports('../../cli/a', '../../bench/a'),
  });
  expect(status).toBe(1);
  const told = findings.map((finding) => /^(\S+): (.*?)(?:;|$)/.exec(finding)?.slice(1).join(' '));
  expect(new Set(told)).toEqual(
    new Set([
      'method/a.ts:2 method may not import config (config/spec)',
      'method/a.ts:3 method may not import the Node module node:fs',
      'config/a.ts:2 config may not import stages (stages/a)',
      'contract/a.ts:1 contract may import only types of method (method/a): write "import type"',
      'stages/a.ts:2 stages may not import services/store (services/store/a)',
      'planning/a.ts:2 planning may not import services/store (services/store/a)',
      'planning/a.ts:3 planning may not import the package zod',
      'services/timing/a.ts:1 services/timing may not import services/limits (services/limits/a)',
      'services/limits/a.ts:2 services/limits may not import services/endpoints (services/endpoints/a)',
      'services/endpoints/a.ts:2 services/endpoints may not import cli (cli/a)',
      'services/store/a.ts:2 services/store may not import services/journal (services/journal/a)',
      'services/data/a.ts:2 services/data may not import services/runs (services/runs/a)',
      'services/journal/a.ts:2 services/journal may not import services/batches (services/batches/a)',
      'services/batches/steps/a.ts:3 services/batches may not import services/runs (services/runs/a)',
      'services/local/a.ts:1 services/local may not import workers (workers/a)',
      'services/python/a.ts:2 services/python may not import services/training (services/training/a)',
      'services/training/a.ts:2 services/training may not import activities (activities/a)',
      'services/fine-tuning/a.ts:2 services/fine-tuning may not import workflows (workflows/a)',
      'services/runs/a.ts:2 services/runs may not import report/render (report/render/a)',
      'report/gather/a.ts:2 report/gather may not import report/page (report/page/a)',
      'report/page/sections/a.ts:2 report/page may not import report/render (report/render/a)',
      'report/render/a.ts:2 report/render may not import activities (activities/a)',
      'export/a.ts:2 export may not import report/page (report/page/a)',
      'activities/a.ts:3 activities may not import workflows (workflows/a)',
      'workflows/control/a.ts:3 workflows may not import activities (activities/a)',
      'workflows/control/a.ts:4 workflows may not import services/store (services/store/a)',
      'workflows/control/a.ts:5 workflows may not import the Node module node:path',
      'workers/a.ts:3 workers may not import cli (cli/a)',
      'cli/commands/a.ts:3 cli may not import test (test/support/a)',
      'cli/commands/a.ts:4 cli may not import bench (bench/a)',
    ]),
  );
});

test('types of a room may cross where the table says so, in every way of writing them, and nothing that runs', () => {
  const { findings } = check({
    'contract/types.ts': [
      "import type { A } from '../config/spec';",
      "import { type B } from '../method/records';",
      "export type { C } from '../method/records';",
      "const d = undefined as typeof import('../method/ids');",
    ].join('\n'),
    'contract/values.ts': [
      "import { type A, b } from '../config/spec';",
      "export { c } from '../method/records';",
      "export * from '../method/records';",
      "import '../method/records';",
      "const d = await import('../method/ids');",
      "const e = require('../method/ids');",
      "const f = require.resolve('../method/ids');",
    ].join('\n'),
  });
  expect(findings.map((finding) => finding.split(': ')[0])).toEqual([1, 2, 3, 4, 5, 6, 7].map((line) => `contract/values.ts:${line}`));
});

test('a file in no room is refused: loose in services/, in a new folder, or at the root', () => {
  const { status, findings } = check({
    'services/loose.ts': '',
    'lib/any.ts': '',
    'loose.ts': '',
    'jest.config.js': '',
    'dist/cli/main.js': '',
    'node_modules/any/index.js': '',
    '.rehearse/any.js': '',
    'docs/any.md': '',
    'cli/uses.ts': imports('../lib/any'),
  });
  expect(status).toBe(1);
  expect(findings).toEqual([
    'cli/uses.ts:1: cli may not import what lies in no room (lib/any); gate/rooms.js allows it method, config, contract, stages, planning, services, report, export, view, workflows, workers, activities',
    ...['lib/any.ts', 'loose.ts', 'services/loose.ts'].map(
      (file) => `${file}: lies in no room; put it into one, or add a room to gate/rooms.js`,
    ),
  ]);
});

test('code that keeps to the table passes', () => {
  expect(
    check({ 'cli/a.ts': imports('./b', '../workflows', '../services/store/a', 'commander'), 'cli/b.ts': 'export const x = 1;' }),
  ).toEqual({ status: 0, findings: [] });
});

test('every room of the table is a folder', () => {
  expect(Object.keys(ROOMS).filter((room) => !existsSync(resolve(room)))).toEqual([]);
});

/** Rooms that stand on each other in a circle, by what `below` says that a room stands on. */
function circles(below: (room: Room) => readonly string[]): string[] {
  const left = new Set(Object.keys(ROOMS));
  const standsOn = (room: string): string[] =>
    below(ROOMS[room]!).flatMap((name) => [...left].filter((other) => other !== room && (other === name || other.startsWith(`${name}/`))));
  for (let size = -1; size !== left.size;) {
    size = left.size;
    for (const room of left) if (standsOn(room).length === 0) left.delete(room);
  }
  return [...left];
}

test('no circle of rooms: not of what runs, and within services/ not of types either', () => {
  expect(circles(({ imports: running = [] }) => running)).toEqual([]);
  const services = (names: readonly string[]): string[] => names.filter((name) => name.startsWith('services/'));
  expect(circles(({ imports: running = [], types = [] }) => services([...running, ...types]))).toEqual([]);
});

test('every folder of services/ and report/ is a room', () => {
  const folders = ['services', 'report'].flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [`${parent}/${entry.name}`] : [])),
  );
  expect(Object.keys(ROOMS)).toEqual(expect.arrayContaining(folders));
});

test.each([
  ['two files', { 'a.ts': "import { b } from './b';\nexport const a = b;", 'b.ts': "import { a } from './a';\nexport const b = a;" }],
  [
    'types alone',
    { 'a.ts': "import type { B } from './b';\nexport type A = B;", 'b.ts': "import type { A } from './a';\nexport type B = A;" },
  ],
])('the linter refuses a cycle of %s', (_, files) => {
  write(files);
  const oxlint = [resolve('node_modules/oxlint/bin/oxlint'), '--config', resolve('.oxlintrc.json')];
  const { status, stdout } = spawnSync(process.execPath, [...oxlint, 'a.ts', 'b.ts'], { cwd: root, encoding: 'utf8' });
  expect(stdout.match(/import\(no-cycle\)/g)).toHaveLength(2);
  expect(status).toBe(1);
});
