#!/usr/bin/env -S node --max-semi-space-size=64
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

/** A checkout installs and compiles itself first; a package is whole, and holds no lock file. */
async function prepare() {
  if (existsSync(path.join(__dirname, '..', 'package-lock.json'))) await require('./bootstrap').bootstrap();
}

prepare()
  .then(async () => await require('../dist/cli/main.js').main(process.argv.slice(2)))
  .then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      console.error(error?.name === 'BootstrapError' ? `rehearse: ${error.message}` : error);
      process.exitCode = 1;
    },
  );
