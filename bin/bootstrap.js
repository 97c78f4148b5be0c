'use strict';
// Brings a checkout to where it runs: Node packages installed, sources compiled. Plain Node, since nothing else is there
// yet. Says what it does on stderr, and nothing when there is nothing to do: stdout belongs to the command.
const { spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { ROOMS } = require('../gate/rooms');

const MIN_NODE = [20, 19];
/** Top folders that are compiled: those of all rooms, but the tests'. */
const SOURCES = [...new Set(Object.keys(ROOMS).map((room) => room.split('/')[0]))].filter((folder) => folder !== 'test');
const BUILD_INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const BUILD_STAMP = path.join('dist', '.sources-sha256');
/** Sizes and times of all files that were found installed and built, so that the next start need not read them. */
const LOOKED_STAMP = path.join('dist', '.looked-sha256');
const TAIL_LINES = 20;
const NPM_ERROR_LINES = 6;
const POLL_MS = 200;
const ANNOUNCE_MS = 10_000;

/** What went wrong, in words that need no stack. */
class BootstrapError extends Error {
  name = 'BootstrapError';
}

/**
 * Installs and compiles what is missing or stale in `root`; `compile: false` only installs.
 * @throws BootstrapError, one sentence and the log's tail
 */
async function bootstrap({ root = path.join(__dirname, '..'), compile = true } = {}) {
  checkNode(process.versions.node);
  const seen = compile ? looksHash(root) : undefined;
  if (seen !== undefined && readText(path.join(root, LOOKED_STAMP)) === seen) return;
  const stale = () => compile && needsBuild(root);
  if (needsInstall(root) || stale()) {
    await withLock(path.join(root, '.rehearse', 'bootstrap.lock'), async () => {
      if (needsInstall(root)) await step(root, 'installing Node packages', npm(['ci']));
      if (stale()) {
        const hash = sourcesHash(root);
        await step(root, 'compiling', npm(['run', 'build']));
        fs.writeFileSync(path.join(root, BUILD_STAMP), hash);
      }
    });
  } else if (seen !== undefined) remember(path.join(root, LOOKED_STAMP), seen);
}

/** Where the checkout cannot be written to, every start looks again. */
function remember(file, text) {
  try {
    fs.writeFileSync(`${file}.${process.pid}`, text);
    fs.renameSync(`${file}.${process.pid}`, file);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'ENOSPC'].includes(error.code)) throw error;
  }
}

/** @throws BootstrapError when this Node is too old */
function checkNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new BootstrapError(
    `Rehearse needs Node ${MIN_NODE.join('.')} or later, and this is ${version}; install it from https://nodejs.org`,
  );
}

/**
 * Whether node_modules is missing or not what package-lock.json says. npm writes what it installed to
 * node_modules/.package-lock.json, last of all.
 */
function needsInstall(root) {
  const wanted = readJson(path.join(root, 'package-lock.json'));
  const installed = readJson(path.join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) throw new BootstrapError(`${root} has no package-lock.json; this is not a whole checkout`);
  if (installed === undefined) return true;
  return Object.entries(wanted.packages).some(([name, { version, integrity, optional }]) => {
    if (name === '') return false;
    const found = installed.packages[name];
    // Packages for other platforms are left out on purpose.
    if (found === undefined) return optional !== true;
    return found.version !== version || found.integrity !== integrity;
  });
}

/** Whether dist/ was not made from these very sources. */
function needsBuild(root) {
  const stamp = path.join(root, BUILD_STAMP);
  return !fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== sourcesHash(root);
}

/** SHA-256 over names, sizes and times of all that decides whether something is to be done; undefined before the first build. */
function looksHash(root) {
  const hash = createHash('sha256');
  const made = [BUILD_STAMP, path.join('node_modules', '.package-lock.json')];
  for (const file of [...made, ...buildInputs(root)]) {
    const stat = fs.statSync(path.join(root, file), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    hash.update(`${file}\0${stat.size}\0${stat.mtimeNs}\0${stat.ctimeNs}\0`);
  }
  return hash.digest('hex');
}

function buildInputs(root) {
  return [...BUILD_INPUTS, ...SOURCES.flatMap((folder) => listFiles(root, folder))].sort();
}

/** SHA-256 over names and contents of all that the build reads. */
function sourcesHash(root) {
  const hash = createHash('sha256');
  for (const file of buildInputs(root)) {
    const content = fs.readFileSync(path.join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function listFiles(root, folder) {
  if (!fs.existsSync(path.join(root, folder))) return [];
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

function npm(args) {
  // Under npm the very npm that runs us, which need not be on PATH.
  const cli = process.env.npm_execpath;
  return cli !== undefined && /npm-cli\.js$/.test(cli) ? { command: process.execPath, args: [cli, ...args] } : { command: 'npm', args };
}

async function step(root, name, { command, args }) {
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(0);
  process.stderr.write(`… ${name}\n`);
  const timer = setInterval(() => process.stderr.write(`… ${name} (${seconds()} s)\n`), ANNOUNCE_MS);
  const output = [];
  try {
    const how = await new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd: root, env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(signal ?? code));
    });
    if (how === 0) {
      process.stderr.write(`✓ ${name} (${seconds()} s)\n`);
      return;
    }
    const shown = args.at(-1) === 'ci' ? 'npm ci' : 'npm run build';
    throw new BootstrapError(`${name} failed: "${shown}" ended with ${how}; it said:\n${essence(Buffer.concat(output).toString('utf8'))}`);
  } catch (error) {
    if (error.code === 'ENOENT') throw new BootstrapError('npm is not on PATH; it comes with Node from https://nodejs.org');
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** npm's own account of an error when it gives one (its usage follows it), else the last lines. */
function essence(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && line.trim() !== 'npm error');
  const account = lines.findIndex((line) => line.startsWith('npm error code E'));
  return (account < 0 ? lines.slice(-TAIL_LINES) : lines.slice(account, account + NPM_ERROR_LINES)).join('\n');
}

/** Settings of the npm that runs us, such as --omit=dev, are not meant for this. */
function cleanEnv() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_(omit|production|global|only)|lifecycle|package|command)/.test(name)),
  );
}

/** Runs `body` while no other process holds the lock folder; one that a dead process left is taken over. */
async function withLock(folder, body) {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const owner = path.join(folder, 'pid');
  for (let told = false; ;) {
    try {
      fs.mkdirSync(folder);
      fs.writeFileSync(owner, String(process.pid));
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(folder, owner)) takeAway(folder, owner);
    else {
      if (!told) process.stderr.write('… another process sets this checkout up; waiting\n');
      told = true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  try {
    return await body();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const UNOWNED_STALE_MS = 10_000;

/** Renames before it removes, so that of two processes that found the same lock abandoned only one removes it. */
function takeAway(folder, owner) {
  const aside = `${folder}.${process.pid}`;
  try {
    fs.renameSync(folder, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  const another = !isAbandoned(aside, path.join(aside, path.basename(owner)));
  if (another) fs.renameSync(aside, folder);
  else fs.rmSync(aside, { recursive: true, force: true });
}

function isAbandoned(folder, owner) {
  let pid;
  try {
    pid = Number(fs.readFileSync(owner, 'utf8'));
  } catch {
    // Its maker is about to write its pid, or was killed before it could.
    const made = fs.statSync(folder, { throwIfNoEntry: false });
    return made !== undefined && Date.now() - made.mtimeMs > UNOWNED_STALE_MS;
  }
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

module.exports = { bootstrap, BootstrapError, checkNode, needsBuild, needsInstall, sourcesHash, withLock, BUILD_STAMP };
