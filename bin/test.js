'use strict';
// `npm test`: the gates, then jest, then pytest; sets up what they need, and ends with one line: N passed, N failed.
//   npm test                    everything
//   npm test -- --changed       the gates, and the tests that the changes since main can have broken
//   npm test -- test/method …   these jest tests, without the gates
const { spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');
const { gate } = require('./gate');
const { runJest } = require('../gate/jest-run');

const root = path.join(__dirname, '..');

async function main(args) {
  await bootstrap({ compile: false });
  const changed = args.includes('--changed');
  const results = [];
  if (changed || args.length === 0) {
    const { passed, failed } = await gate();
    results.push({ ok: failed === 0, passed, failed, skipped: 0 });
    if (failed > 0) return report(results);
  }
  const chosen = changed ? chosenByChanges(args) : { jest: args, pytest: args.length === 0 };
  if (chosen.jest === undefined && !chosen.pytest) return report(results);

  await bootstrap();
  require('../test/support/ts-hook.cjs');
  const { setUp } = require('../cli/set-up');
  const { python, env, weightsDir } = await setUp();
  await testTools();
  const folder = mkdtempSync(path.join(tmpdir(), 'rehearse-tests-'));
  process.env.TMPDIR = path.join(folder, 'tmp'); // whatever a test leaves behind goes with it
  mkdirSync(process.env.TMPDIR);
  try {
    if (chosen.jest !== undefined) results.push(runJest({ args: chosen.jest, folder }));
    if (chosen.pytest) {
      const surroundings = { ...env, TMPDIR: process.env.TMPDIR, REHEARSE_TEST_WEIGHTS: weightsDir };
      results.push(runPytest(python, surroundings, path.join(folder, 'pytest.xml')));
    }
    return report(results);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The arguments for jest, undefined where it has nothing to run; and whether pytest runs. */
function chosenByChanges(args) {
  const { changedTests } = require('../gate/changed');
  const { base, files, jest, pytest } = changedTests(root);
  console.log(`${files.length} files differ from ${base} on main; they can break ${jest.length} test files${pytest ? ' and pytest' : ''}`);
  const others = args.filter((arg) => arg !== '--changed');
  return { jest: jest.length === 0 ? undefined : [...others, '--runTestsByPath', ...jest], pytest };
}

/** The last line. @returns the exit code */
function report(results) {
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  const skipped = sum('skipped');
  console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  return sum('failed') === 0 && sum('passed') > 0 && results.every(({ ok }) => ok) ? 0 : 1;
}

/** What only tests need. */
async function testTools() {
  const { consoleReporter } = require('../services/local/setup-reporter');
  const { ensureVersitygw } = require('../test/support/versitygw');
  const { ensureDuckdb } = require('../test/support/duckdb');
  await Promise.all([ensureVersitygw(consoleReporter()), ensureDuckdb(consoleReporter())]);
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

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(`npm test: ${error.message}`);
    console.log('0 passed, 1 failed');
    process.exitCode = 1;
  },
);
