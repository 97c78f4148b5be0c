// Lets a child process that a test starts run the sources: `node -r test/support/ts-hook.cjs file.ts`.
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');

/** Where processes of one run of jest share what they have compiled: a command loads some two hundred files. */
const shared = process.env.REHEARSE_TEST_RUN;

require.extensions['.ts'] = (module, filename) => {
  module._compile(shared === undefined ? compile(filename) : compiledOnce(filename), filename);
};

function compile(filename, source = readFileSync(filename, 'utf8')) {
  return require('@swc/core').transformSync(source, {
    filename,
    sourceMaps: 'inline',
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs', ignoreDynamic: true },
  }).code;
}

function compiledOnce(filename) {
  const source = readFileSync(filename, 'utf8');
  const file = path.join(shared, `${createHash('sha256').update(`${filename}\0${source}`).digest('hex')}.cjs`);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const code = compile(filename, source);
  const own = `${file}.${process.pid}`;
  writeFileSync(own, code);
  renameSync(own, file); // whole, whoever else compiles it meanwhile
  return code;
}
