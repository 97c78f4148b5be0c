'use strict';
// `npm test`: sets up what the tests need, runs jest and pytest, and ends with one line: N passed, N failed.
const { spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');

const root = path.join(__dirname, '..');

async function main() {
  await bootstrap();
  const { setUp } = require('../dist/cli/set-up');
  const { python, env, weightsDir } = await setUp();
  await testTools();

  const folder = mkdtempSync(path.join(tmpdir(), 'rehearse-tests-'));
  process.env.TMPDIR = path.join(folder, 'tmp'); // whatever a test leaves behind goes with it
  mkdirSync(process.env.TMPDIR);
  try {
    const only = process.argv.slice(2);
    const results = [runJest(only, path.join(folder, 'jest.json'))];
    // Arguments name jest tests; pytest runs with the whole suite only.
    if (only.length === 0) {
      results.push(
        runPytest(python, { ...env, TMPDIR: process.env.TMPDIR, REHEARSE_TEST_WEIGHTS: weightsDir }, path.join(folder, 'pytest.xml')),
      );
    }
    const sum = (name) => results.reduce((total, result) => total + result[name], 0);
    const skipped = sum('skipped');
    console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
    return sum('failed') === 0 && sum('passed') > 0 && results.every(({ ok }) => ok) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What only tests need; its set-up is not compiled, as the tests are not. */
async function testTools() {
  require('../test/support/ts-hook.cjs');
  const { consoleReporter } = require('../dist/services/local/setup-reporter');
  const { ensureVersitygw } = require('../test/support/versitygw');
  const { ensureDuckdb } = require('../test/support/duckdb');
  await Promise.all([ensureVersitygw(consoleReporter()), ensureDuckdb(consoleReporter())]);
}

function runJest(args, file) {
  const jest = require.resolve('jest/bin/jest');
  // The Temporal SDK's native runtime stays open after its last test; jest is told not to wait for it.
  const { status } = spawnSync(process.execPath, [jest, '--forceExit', '--json', `--outputFile=${file}`, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const result = JSON.parse(readFileSync(file, 'utf8'));
  return {
    ok: status === 0,
    passed: result.numPassedTests,
    // A suite that does not even load has no tests to count, but has failed.
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function runPytest(python, env, file) {
  const { status } = spawnSync(python, ['-m', 'pytest', '-q', 'python/tests', `--junitxml=${file}`], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const head = /<testsuite [^>]*>/.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
  const count = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  return { ok: status === 0, passed: count('tests') - failed - count('skipped'), failed, skipped: count('skipped') };
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(`npm test: ${error.message}`);
    console.log('0 passed, 1 failed');
    process.exitCode = 1;
  },
);
