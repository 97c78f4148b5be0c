#!/usr/bin/env -S node --max-semi-space-size=64
'use strict';
const { bootstrap, BootstrapError } = require('./bootstrap');

bootstrap()
  .then(async () => await require('../dist/cli/main.js').main(process.argv.slice(2)))
  .then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      console.error(error instanceof BootstrapError ? `rehearse: ${error.message}` : error);
      process.exitCode = 1;
    },
  );
