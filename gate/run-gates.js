'use strict';
const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const pLimit = require('p-limit');
const { GATES } = require('./gates');

const ROOT = path.join(__dirname, '..');

/**
 * Runs the gates side by side, all of them even if one fails, so that a person sees everything at once. Each says in one line whether it
 * passed, below what it found when it did not.
 * @param python promise of the interpreter of python/requirements.lock; where it rejects, the gates that need it fail
 * @param write  takes what is to be said
 * @returns how many passed and failed
 */
async function runGates({ python, gates = GATES, write = (text) => process.stdout.write(text) }) {
  const limit = pLimit(os.availableParallelism());
  const running = gates.map((gate) => runGate(gate, { python, limit }));
  let failed = 0;
  for (const [index, { name, failure, way }] of gates.entries()) {
    const { ok, findings, seconds, interpreter } = await running[index];
    const time = `(${seconds.toFixed(1)} s)`;
    if (ok) write(`✓ ${name} ${time}\n`);
    else write(`${findings.trim()}\n✗ ${name}: ${failure}; ${way.replaceAll('PYTHON', interpreter)} ${time}\n`);
    if (!ok) failed++;
  }
  return { passed: gates.length - failed, failed };
}

async function runGate({ command: [program, ...args] }, { python, limit }) {
  let interpreter = 'python';
  try {
    if (program === 'python') interpreter = await python;
  } catch (error) {
    return { ok: false, findings: error.message, seconds: 0, interpreter };
  }
  return await limit(async () => {
    const startMs = performance.now();
    const { code, output } = await run(
      program === 'python' ? interpreter : program,
      args.map((arg) => arg.replace('PYTHON', interpreter)),
      program === 'python' ? path.join(ROOT, 'python') : ROOT,
    );
    return { ok: code === 0, findings: output, seconds: (performance.now() - startMs) / 1000, interpreter };
  });
}

/** Runs a command to its end; what it says on both streams comes back in the order of its coming. */
async function run(command, args, cwd) {
  const programs = [path.join(ROOT, 'node_modules', '.bin'), path.dirname(process.execPath), process.env.PATH];
  const env = { ...process.env, PATH: programs.join(path.delimiter), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) };
  return await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
    const end = (code, more = '') => resolve({ code, output: Buffer.concat(chunks).toString('utf8') + more });
    child.once('error', (error) => end(null, error.message));
    child.once('close', (code, signal) => end(code, signal === null ? '' : `${command} was ended by ${signal}`));
  });
}

module.exports = { runGates };
