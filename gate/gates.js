'use strict';
/**
 * The checks of the code that come before its tests, in the order in which they are reported.
 *
 * name     what a line about it begins with
 * failure  what it means when it fails
 * command  [program, ...arguments], in the checkout; `python` is the interpreter of python/requirements.lock, in python/
 * way      the command that shows or repairs what was found
 */
const GATES = [
  { name: 'format', failure: 'files are not formatted', command: ['oxfmt', '--check', '.'], way: '"npx oxfmt ." formats them' },
  {
    name: 'lint, import cycles',
    failure: 'the linter found mistakes',
    command: ['oxlint', '--type-aware'],
    way: '"npm run lint" shows them',
  },
  { name: 'types', failure: 'types do not agree', command: ['tsc', '--noEmit'], way: '"npm run typecheck" shows where' },
  {
    name: 'rooms',
    failure: 'imports or files break gate/rooms.js',
    command: ['node', 'gate/check-rooms.js'],
    way: '"node gate/check-rooms.js" shows them',
  },
  {
    name: 'unused code',
    failure: 'files, exports or dependencies that nothing uses',
    command: ['knip', '--no-progress'],
    way: '"npx knip" shows them; an export that only its own file needs loses the word "export"',
  },
  {
    name: 'Python format',
    failure: 'files in python/ are not formatted',
    command: ['python', '-m', 'ruff', 'format', '--check', '.'],
    way: '"cd python && PYTHON -m ruff format ." formats them',
  },
  {
    name: 'Python lint',
    failure: 'ruff found mistakes in python/',
    command: ['python', '-m', 'ruff', 'check', '.'],
    way: '"cd python && PYTHON -m ruff check ." shows them',
  },
  {
    name: 'Python types',
    failure: 'types in python/ do not agree',
    command: ['python', '-m', 'pyrefly', 'check', '--output-format', 'min-text', '--python-interpreter-path', 'PYTHON'],
    way: '"cd python && PYTHON -m pyrefly check --python-interpreter-path PYTHON" shows where',
  },
];

module.exports = { GATES };
