const { mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

/** A folder that all test files of one run of jest share; see once-per-run.ts. */
module.exports = () => {
  // As bin/rehearse.js has it: with the default of 16 MB a run's short-lived objects are collected all the time. Workers start with this.
  process.execArgv.push('--max-semi-space-size=64');
  process.env.REHEARSE_TEST_RUN = mkdtempSync(path.join(tmpdir(), 'rehearse-jest-'));
  process.env.TMPDIR = process.env.REHEARSE_TEST_RUN; // whatever a test leaves behind goes with it
};
