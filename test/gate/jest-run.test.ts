import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useTempFolder } from '../support/temp-folder';

interface Counts {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
interface Options {
  readonly args: readonly string[];
  readonly folder: string;
  readonly jest: (args: readonly string[], file: string) => number;
  readonly write: (text: string) => void;
}
const { runJest } = jest.requireActual<{ runJest: (options: Options) => Counts }>('../../gate/jest-run.js');

const ROOT = join(__dirname, '../..');
const work = useTempFolder();

/** Outcomes of each test in each file, as a run of jest has them: + passed, - failed. */
type Run = Readonly<Record<string, string>>;

/** What `npm test` makes of these runs, one after the other, and what jest was asked for. */
function afterRuns(...runs: readonly Run[]): Counts & { readonly asked: readonly (readonly string[])[]; readonly said: string } {
  mkdirSync(work(), { recursive: true });
  const asked: (readonly string[])[] = [];
  let said = '';
  const counts = runJest({
    args: ['--all'],
    folder: work(),
    write: (text) => (said += text),
    jest(args, file) {
      const run = runs[asked.length]!;
      asked.push(args);
      expect(existsSync(file)).toBe(false);
      const tests = Object.values(run).join('');
      const failing = Object.values(run).filter((outcomes) => !/^\+*$/.test(outcomes));
      writeFileSync(
        file,
        JSON.stringify({
          numPassedTests: tests.replaceAll(/[^+]/g, '').length,
          numFailedTests: tests.replaceAll(/[^-]/g, '').length,
          numRuntimeErrorTestSuites: tests.replaceAll(/[^!]/g, '').length,
          numPendingTests: 2,
          numTodoTests: 0,
          testResults: Object.entries(run).map(([name, outcomes]) => ({
            name: join(ROOT, name),
            status: failing.includes(outcomes) ? 'failed' : 'passed',
            assertionResults: Array.from(outcomes)
              .filter((one) => one !== '!')
              .map((one) => ({ status: one === '+' ? 'passed' : 'failed' })),
          })),
        }),
      );
      return failing.length === 0 ? 0 : 1;
    },
  });
  return { ...counts, asked, said };
}

test('nothing is run again where all passed', () => {
  expect(afterRuns({ 'test/a.test.ts': '+++', 'test/b.test.ts': '+' })).toEqual({
    ...{ ok: true, passed: 4, failed: 0, skipped: 2 },
    asked: [['--all']],
    said: '',
  });
});

test('a file that failed is run again alone; when it passes, its tests count once, and it is named', () => {
  const { asked, said, ...counts } = afterRuns({ 'test/a.test.ts': '+++', 'test/b.test.ts': '+-' }, { 'test/b.test.ts': '++' });
  expect(counts).toEqual({ ok: true, passed: 5, failed: 0, skipped: 2 });
  expect(asked[1]).toEqual(['--runInBand', '--runTestsByPath', 'test/b.test.ts']);
  expect(said).toMatch(/FAILED BESIDE OTHERS, PASSED ALONE: test\/b\.test\.ts/);
});

test('a file that fails again, or does not load, has failed, beside one that passes then', () => {
  const { said, ...counts } = afterRuns(
    { 'test/a.test.ts': '+++', 'test/b.test.ts': '+-', 'test/c.test.ts': '!', 'test/d.test.ts': '-' },
    { 'test/b.test.ts': '+-', 'test/c.test.ts': '!', 'test/d.test.ts': '+' },
  );
  expect(counts).toMatchObject({ ok: false, passed: 5, failed: 2 });
  expect(said).toMatch(/ALONE: test\/d\.test\.ts/);
  expect(said).not.toMatch(/ALONE: test\/[bc]/);
});

test('many that fail are the change itself: they are not run again', () => {
  const run = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`test/${name}.test.ts`, '-']));
  expect(afterRuns(run)).toMatchObject({ ok: false, passed: 0, failed: 4, asked: [['--all']] });
});
