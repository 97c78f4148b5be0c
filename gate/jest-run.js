'use strict';
const { spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
/** When more test files fail, it is the change, not the company they ran in. */
const MOST_RUN_AGAIN = 3;

/**
 * Runs jest; the few test files that failed while four ran at once are run once more, each alone. One that passes then is named: what fails
 * beside others only is a defect too, of the test or of what it tests, but not of the change at hand.
 * @param args   for jest
 * @param folder for its results
 * @param jest   runs jest with arguments, writing its results into a file; for tests
 * @param write  takes what is to be said
 */
function runJest({ args, folder, jest = runOnce, write = (text) => process.stdout.write(text) }) {
  const first = resultsOf(jest, args, path.join(folder, 'jest.json'));
  const failedFiles = first.files.filter(({ failed }) => failed);
  if (failedFiles.length === 0 || failedFiles.length > MOST_RUN_AGAIN) return first.counts;
  const names = failedFiles.map(({ name }) => path.relative(ROOT, name));
  write(`once more, alone: ${names.join(', ')}\n`);
  const again = resultsOf(jest, ['--runInBand', '--runTestsByPath', ...names], path.join(folder, 'jest-again.json'));
  for (const { name, failed } of again.files) {
    if (failed) continue;
    write(`FAILED BESIDE OTHERS, PASSED ALONE: ${path.relative(ROOT, name)}; it, or what it tests, does not hold on a busy machine\n`);
  }
  const firstPassed = first.counts.passed - failedFiles.reduce((sum, { passed }) => sum + passed, 0);
  return { ok: again.counts.ok, passed: firstPassed + again.counts.passed, failed: again.counts.failed, skipped: first.counts.skipped };
}

function resultsOf(jest, args, file) {
  const status = jest(args, file);
  const result = JSON.parse(readFileSync(file, 'utf8'));
  return {
    counts: {
      ok: status === 0,
      passed: result.numPassedTests,
      // A suite that does not even load has no tests to count, but has failed.
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    },
    files: result.testResults.map(({ name, status: outcome, assertionResults }) => ({
      name,
      failed: outcome === 'failed',
      passed: assertionResults.filter((test) => test.status === 'passed').length,
    })),
  };
}

function runOnce(args, file) {
  // The Temporal SDK's native runtime stays open after its last test; jest is told not to wait for it.
  return spawnSync(process.execPath, [require.resolve('jest/bin/jest'), '--forceExit', '--json', `--outputFile=${file}`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  }).status;
}

module.exports = { runJest };
