'use strict';
// `npm run audit`: asks the advisories of npm and PyPI about every pinned package, and writes two SBOMs (CycloneDX) into sbom/.
// Needs the network, so it is no part of `npm test`. Exits 1 when there is an advisory or when one side could not be asked.
const { spawnSync } = require('node:child_process');
const { mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');

const root = path.join(__dirname, '..');
const PIP_AUDIT = 'pip-audit==2.10.1';

async function main() {
  await bootstrap({ compile: false });
  require('../test/support/ts-hook.cjs');
  const { ensureUv } = require('../services/local/python-environment');
  const { consoleReporter } = require('../services/local/setup-reporter');
  const uv = await ensureUv(consoleReporter().step('uv'));
  mkdirSync(path.join(root, 'sbom'), { recursive: true });
  const locks = ['requirements.lock', 'requirements.macos.lock'].flatMap((name) => ['--requirement', path.join('python', name)]);
  const pipAudit = ['tool', 'run', PIP_AUDIT, ...locks, '--disable-pip', '--require-hashes'];
  const results = [
    run('Node packages', 'npm', ['audit', '--package-lock-only']),
    run('Node SBOM', 'npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], 'node.cdx.json'),
    run('Python packages', uv, pipAudit),
    run('Python SBOM', uv, [...pipAudit, '--format', 'cyclonedx-json'], 'python.cdx.json'),
  ];
  return results.every((passed) => passed) ? 0 : 1;
}

/** Runs one part and says how it ended. @param file of sbom/ that its output goes to */
function run(name, command, args, file) {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', file === undefined ? 'inherit' : 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const wrote = file !== undefined && typeof stdout === 'string' && stdout.startsWith('{');
  if (wrote) writeFileSync(path.join(root, 'sbom', file), stdout);
  // pip-audit exits 1 when it has found something, after it has written what it was asked for.
  const passed = file === undefined ? status === 0 : wrote;
  console.log(`${passed ? '✓' : '✗'} ${name}${error === undefined ? '' : `: ${error.message}`}`);
  return passed;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(`npm run audit: ${error.message}`);
    process.exitCode = 1;
  },
);
