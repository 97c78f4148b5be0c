import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

interface Chosen {
  readonly jest: readonly string[];
  readonly pytest: boolean;
}
type TestsOf = (changed: readonly string[], all: readonly string[], read: (file: string) => string) => Chosen;
const { testsOf, OTHER_USERS } = jest.requireActual<{ testsOf: TestsOf; OTHER_USERS: readonly (readonly [RegExp, string])[] }>(
  '../../gate/changed.js',
);

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{}',
  LICENSE: '',
  'README.md': '',
  'docs/spec.md': '',
  'method/hash.ts': '',
  'services/store/store.ts': "import { hash } from '../../method/hash';\nimport type { Spec } from '../../config/spec';",
  'services/python/python-jobs.ts': "spawn(python, ['-m', 'rehearse_ml']);",
  'config/spec.ts': 'read(`${preset}.yaml`);',
  'config/demo.yaml': '',
  'workflows/index.ts': "export * from './shard';",
  'workflows/shard.ts': '',
  'cli/main.ts': "import { store } from '../services/store/store';",
  'bin/rehearse.js': "require('../dist/cli/main.js');",
  'python/rehearse_ml/sft.py': '',
  'test/support/rehearse.ts': "const script = resolve('cli/main.ts');",
  'test/support/bundle.ts': "bundle(require.resolve('../../workflows'));",
  'test/cli/list.test.ts': "import { rehearse } from '../support/rehearse';",
  'test/cli/bin.test.ts': "spawn('node', [join(ROOT, 'bin/rehearse.js')]);",
  'test/config/spec.test.ts': "import { spec } from '../../config/spec';",
  'test/config/docs.test.ts': "readFileSync('docs/spec.md'); writeFileSync(join(folder, 'README.md'));",
  'test/docs/links.test.ts': '',
  'test/examples/demo.test.ts': "readdirSync(join(ROOT, 'examples/demo'));",
  'examples/demo/data.jsonl': '',
  'test/method/hash.test.ts': "import { hash } from '../../method/hash';",
  'test/replay/replay.test.ts': "import { bundle } from '../support/bundle';\nreaddirSync('histories');",
  'test/replay/histories/run.json': '',
  'test/services/python.test.ts': "import { jobs } from '../../services/python/python-jobs';",
};

const chosen = (...changed: string[]): Chosen => testsOf(changed, Object.keys(FILES), (file) => FILES[file]!);

test.each<[string, string, string[]]>([
  ['what imports it, through other files, and runs what imports it', 'method/hash.ts', ['cli/bin', 'cli/list', 'method/hash']],
  ['not what imports its types alone', 'config/spec.ts', ['config/spec']],
  ['what bundles its folder', 'workflows/shard.ts', ['replay/replay']],
  ['what runs it compiled', 'cli/main.ts', ['cli/bin', 'cli/list']],
  ['what reads it by its path', 'docs/spec.md', ['config/docs', 'docs/links']],
  ['what reads its folder', 'examples/demo/data.jsonl', ['examples/demo']],
  ['the code beside it, where it is data', 'config/demo.yaml', ['config/spec']],
  ['the code above it, where it is data in a folder of its own', 'test/replay/histories/run.json', ['replay/replay']],
  ['itself, where it is a test', 'test/cli/list.test.ts', ['cli/list']],
  ['its links, where it is a page', 'README.md', ['docs/links']],
  ['nothing, where it is read by nobody', 'LICENSE', []],
  ['nothing, where it is gone', 'test/gone.test.ts', []],
])('a change can break %s', (_, file, tests) => {
  expect(chosen(file)).toEqual({ jest: tests.map((name) => `test/${name}.test.ts`), pytest: false });
});

test('a change of Python runs pytest, and the tests of what starts it', () => {
  expect(chosen('python/rehearse_ml/sft.py')).toEqual({ jest: ['test/services/python.test.ts'], pytest: true });
  expect(chosen('python/tests/test_sft.py')).toEqual({ jest: [], pytest: true });
});

test('other packages can break every test', () => {
  expect(chosen('package.json').jest).toEqual(
    Object.keys(FILES)
      .filter((file) => file.endsWith('.test.ts'))
      .sort(),
  );
});

test('users that no path in quotes shows are there', () => {
  expect(OTHER_USERS.filter(([, user]) => !existsSync(resolve(user)))).toEqual([]);
});
