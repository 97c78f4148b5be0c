'use strict';
// `npm run audit`: asks the advisories of npm and PyPI about every pinned package, and writes two SBOMs (CycloneDX) into sbom/.
// Needs the network, so it is no part of `npm test`. Exits 1 when there is an advisory or when one side could not be asked.
const { spawnSync } = require('node:child_process');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');

const root = path.join(__dirname, '..');
const PIP_AUDIT = 'pip-audit==2.10.1';
const LOCKS = ['requirements.lock', 'requirements.macos.lock'];

async function main() {
  await bootstrap({ compile: false });
  require('../test/support/ts-hook.cjs');
  const { ensureUv } = require('../services/local/python-environment');
  const { consoleReporter } = require('../services/local/setup-reporter');
  const uv = await ensureUv(consoleReporter().step('uv'));
  mkdirSync(path.join(root, 'sbom'), { recursive: true });
  const locks = LOCKS.flatMap((name) => ['--requirement', path.join('python', name)]);
  const pipAudit = ['tool', 'run', PIP_AUDIT, ...locks, '--disable-pip', '--require-hashes'];
  const results = [
    say('Node packages', npmAdvisories()),
    say('Node SBOM', nodeSbom()),
    say('Python packages', pipAdvisories(uv, pipAudit)),
    say('Python SBOM', pythonSbom()),
  ];
  return results.every((passed) => passed) ? 0 : 1;
}

/** @param problem undefined where there is none */
function say(name, problem) {
  console.log(problem === undefined ? `✓ ${name}` : `✗ ${name}: ${problem}`);
  return problem === undefined;
}

/** What npm's advisories say of package-lock.json, or why they could not be asked. */
function npmAdvisories() {
  const { stdout, stderr } = run('npm', ['audit', '--json', '--package-lock-only']);
  const { auditReportVersion, message, vulnerabilities = {} } = parse(stdout);
  if (auditReportVersion === undefined) {
    return notAsked(
      "npm's advisories",
      message ?? lastLine(stderr),
      "use a registry that has them, such as npm's own (npm_config_registry=URL)",
    );
  }
  const found = Object.values(vulnerabilities).map(({ name, severity, range }) => `${name} ${range} (${severity})`);
  return found.length === 0 ? undefined : `${found.length} with advisories: ${found.join('; ')}; "npm audit" tells more`;
}

/** The same of the Python lock files. */
function pipAdvisories(uv, args) {
  const { stdout, stderr } = run(uv, [...args, '--format', 'json']);
  const { dependencies } = parse(stdout);
  const skipped = dependencies?.filter(({ skip_reason: reason }) => reason !== undefined) ?? [];
  if (dependencies === undefined) {
    return notAsked(
      "PyPI's advisories",
      lastLine(stderr),
      'they come from https://pypi.org/pypi/NAME/VERSION/json, which has to be reachable',
    );
  }
  if (skipped.length > 0) {
    const why = `${skipped.length} of ${dependencies.length} packages were passed over: ${skipped[0].skip_reason}`;
    return notAsked("PyPI's advisories", why, 'a mirror may not have them; ask https://pypi.org itself');
  }
  const found = dependencies.flatMap(({ name, version, vulns = [] }) => vulns.map(({ id }) => `${name} ${version} (${id})`));
  return found.length === 0 ? undefined : `${found.length} advisories: ${found.join('; ')}`;
}

/** Writes npm's SBOM into sbom/; says why it could not. */
function nodeSbom() {
  const { stdout, stderr } = run('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx']);
  if (parse(stdout).bomFormat !== 'CycloneDX') return `not written (${lastLine(stderr)})`;
  writeFileSync(path.join(root, 'sbom', 'node.cdx.json'), stdout);
  return undefined;
}

/** Writes the SBOM of the Python lock files: pip-audit's would hold only what it could look up. */
function pythonSbom() {
  const pins = LOCKS.flatMap((name) => [...readFileSync(path.join(root, 'python', name), 'utf8').matchAll(/^([\w.-]+)==(\S+)/gm)]);
  const components = new Map(
    pins.map(([, name, version]) => [`${name}@${version}`, { type: 'library', name, version, purl: `pkg:pypi/${name}@${version}` }]),
  );
  const bom = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components: [...components.values()] };
  writeFileSync(path.join(root, 'sbom', 'python.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
  return undefined;
}

function notAsked(what, why, wayOut) {
  return `${what} could not be asked (${why}); ${wayOut}`;
}

function run(command, args) {
  const { stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { stdout: stdout ?? '', stderr: error?.message ?? stderr ?? '' };
}

/** What it printed as JSON; an empty object where that is none. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** The line of a log that says what was wrong: the last one that is not empty. */
function lastLine(text) {
  return text.trim().split('\n').at(-1)?.trim().slice(0, 300) || 'it said nothing';
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
