'use strict';
// `npm run test:long` lists what takes long by its nature and is no part of `npm test`; `npm run test:long NAME` runs one of it, from a
// build of its own. Arguments after the name go to the program, and come after ours: `npm run test:long -- kill --seed 2`.
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');

/** Times are those of two quiet cores. */
const LONG = [
  {
    name: 'kill',
    what: 'one synthesis undisturbed and one with 20 kills of workers and server: the same rows, and only calls in flight paid again',
    takes: '5 min',
    program: ['dist/bench/kill.js', '--no-table'],
  },
  {
    name: 'faults',
    what: 'two syntheses, one with more than 20,000 calls to an endpoint with faults, beside two dialects: the same rows, counts add up',
    takes: '10 min',
    program: ['dist/bench/faults.js', '--no-table'],
  },
  {
    name: 'scale',
    what: "the paper's synthesis with 1,000, 10,000 and 100,000 instructions: nothing paid twice, winners chosen again, memory, store",
    takes: '20 min',
    program: ['dist/bench/scale.js', '--instructions', '1000,10000,100000', '--again', '--no-table'],
  },
  {
    name: 'filter',
    what: 'the filters of 100,000 instructions: how much of what was planted they find, time and memory',
    takes: '2 min',
    program: ['dist/bench/filter.js', '--instructions', '100000'],
  },
  {
    name: 'speed',
    what: 'requests a second and CPU time beside a bare loop, at 50, 200 and 1,000 in flight; figures, no verdict',
    takes: '15 min',
    program: ['dist/bench/speed.js', '--no-table'],
  },
  {
    name: 'monitoring',
    what: 'alert rules and dashboard against a real Prometheus, which must be installed: every query finds its metrics, and an alert fires',
    takes: '1 min',
    program: ['dist/bench/monitoring.js'],
  },
  {
    name: 'helm',
    what: "the Helm chart: linted, rendered for several clusters, every manifest held to Kubernetes' own schemas, wrong values refused",
    takes: '3 min',
    program: ['dist/bench/helm.js'],
  },
  {
    name: 'package',
    what: 'a new user from the package alone: packed, installed by npx in an empty home and folder, the demo run to its end; --warm lends tools',
    takes: '35 min',
    program: ['dist/bench/package.js'],
  },
  {
    name: 'budget',
    what: 'a budget that is lowered and raised at 100 random moments, under faults, by workers that come and go: never passed',
    takes: '4 min',
    program: ['node_modules/jest/bin/jest.js', 'test/workflows/budget-moments.test.ts'],
    env: { REHEARSE_MOMENTS: '100' },
  },
  {
    name: 'bill',
    what: "a provider's bill, with faults, batches and four kills, beside what the report says: the same to the cent, but for calls cut by a kill",
    takes: 'untimed',
    program: ['node_modules/jest/bin/jest.js', 'test/workflows/bill.test.ts'],
    env: { REHEARSE_BILL: '1' },
  },
  {
    name: 'data',
    what: 'a run with tool calls, turns, own answers and flagged rows, trained on the real small model; its exports computed again',
    takes: '7 min',
    program: ['node_modules/jest/bin/jest.js', 'test/e2e/data-run.test.ts'],
    env: { REHEARSE_DATA_RUN: '1' },
  },
  {
    name: 'vllm',
    what: 'the whole method on vLLM (for a CPU; 6 GB the first time), served by the user and by the run; exports and scores computed again',
    takes: '8 min',
    program: ['dist/bench/engine-method.js', '--engines', 'vllm'],
  },
  {
    name: 'engines',
    what: 'the whole method on llama.cpp, with answers of `transformers serve` too, which it sets up; exports and scores computed again',
    takes: 'untimed',
    program: ['dist/bench/engine-method.js', '--engines', 'llama.cpp', '--answers-too', 'transformers'],
  },
  {
    name: 'gpu',
    what: 'training of a 1.1B model (full, LoRA, OSF) and an evaluation on this GPU; --write puts the table into docs/training.md, --tiny is for a CPU',
    takes: '10 min',
    program: ['dist/bench/measure-training.js'],
  },
  {
    name: 'view',
    what: 'the viewer in Chromium, which must be installed: keys, flags, colours, and what models wrote runs nothing',
    takes: '1 min',
    program: ['node_modules/jest/bin/jest.js', 'test/view/browser.test.ts'],
    env: { REHEARSE_BROWSER: '1' },
  },
  {
    name: 'webui',
    what: "Temporal's Web UI in Chromium, which must be installed: where the links lead, the cause of a failure; keeps the pictures of the docs",
    takes: 'untimed',
    program: ['node_modules/jest/bin/jest.js', 'test/cli/server/web-ui-browser.test.ts'],
    env: { REHEARSE_BROWSER: '1' },
  },
  {
    name: 'compose',
    what: 'the services of docker-compose.yml as processes (PostgreSQL must be installed; Temporal is built), and an experiment to its end over a bucket',
    takes: '6 min',
    program: ['node_modules/jest/bin/jest.js', 'test/deploy/compose-natively.test.ts'],
    env: { REHEARSE_COMPOSE: '1' },
  },
  {
    name: 'real-endpoints',
    what: 'four instructions through llama.cpp, a LiteLLM proxy and `transformers serve`, which it sets up (500 MB): what the probe finds of each',
    takes: '5 min',
    program: ['dist/bench/real-endpoints.js'],
  },
  {
    name: 'study',
    what: 'the whole method with a real model: nine replay sets, trained and measured; goes on where it was stopped',
    takes: '1 h',
    program: ['bin/rehearse.js', 'study'],
  },
  {
    name: 'known-study',
    what: 'the method and its rivals on a model whose hidden set is our own; goes on where it was stopped; --tiny shows that it works',
    takes: 'untimed',
    program: ['dist/bench/known-study.js'],
  },
];

async function main([name, ...args]) {
  const long = LONG.find((one) => one.name === name);
  if (long === undefined) {
    for (const { name: known, takes, what } of LONG) console.log(`${known.padEnd(12)}${takes.padEnd(8)}${what}`);
    if (name === undefined) return 0;
    throw new Error(`${name} is none of these`);
  }
  await bootstrap();
  const { status, signal } = spawnSync(process.execPath, [...long.program, ...args], {
    cwd: path.join(__dirname, '..'),
    stdio: 'inherit',
    env: { ...process.env, ...long.env },
  });
  if (signal !== null) throw new Error(`${name} was ended by ${signal}`);
  return status;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(`npm run test:long: ${error.message}`);
    process.exitCode = 1;
  },
);
