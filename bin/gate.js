'use strict';
// `npm run gate`: the checks that `npm test` begins with, without the tests.
const { bootstrap } = require('./bootstrap');

/** Runs the gates in a checkout that need not be compiled. @returns how many passed and failed */
async function gate() {
  const { runGates } = require('../gate/run-gates');
  require('../test/support/ts-hook.cjs'); // from the sources, which may not even compile
  const { consoleReporter } = require('../services/local/setup-reporter');
  const { ensurePython } = require('../services/local/python-environment');
  const python = ensurePython(consoleReporter()).then((environment) => environment.python);
  return await runGates({ python });
}

async function main() {
  await bootstrap({ compile: false });
  const { passed, failed } = await gate();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (require.main === module) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      console.error(`npm run gate: ${error.message}`);
      process.exitCode = 1;
    },
  );
}

module.exports = { gate };
