'use strict';
// Which tests the changes of a branch can have broken: for `npm test -- --changed`.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path').posix;

/** A change of one of these can break any test. */
const EVERYWHERE = ['package.json', 'package-lock.json', 'jest.config.js'];
const CODE = /\.[cm]?[jt]s$/;
/** A path in quotes: what is imported, and files that are read, run or bundled by their names. */
const QUOTED_PATH = /['"`]([\w@.-]*(?:\/[\w@.-]+)*[./][\w@./-]*)['"`]/g;
/** Nothing of these runs; the type check sees to them. */
const TYPE_IMPORT = /^(?:import|export) type [^;]*;$/gm;
/** What the paths in quotes do not show, as [files, who uses them]: Python jobs run `-m rehearse_ml`, a test follows the links of all pages. */
const OTHER_USERS = [
  [/^python\/rehearse_ml\//, 'services/python/python-jobs.ts'],
  [/\.md$/, 'test/docs/links.test.ts'],
];

/**
 * What differs from the commit at which the branch left main, changes that are not committed included.
 * @returns that commit, the files, and what testsOf says of them
 * @throws Error when there is no branch main to compare with
 */
function changedTests(root) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const names = (...args) =>
    git(...args, '-z')
      .split('\0')
      .filter(Boolean);
  const base = ['main', 'origin/main'].map((branch) => attempt(() => git('merge-base', 'HEAD', branch).trim())).find(Boolean);
  if (base === undefined) throw new Error('--changed compares with the branch main, and there is none here; "npm test" runs everything');
  const untracked = names('ls-files', '--others', '--exclude-standard');
  const files = [...new Set([...names('diff', '--name-only', base), ...untracked])].sort();
  const all = [...names('ls-files'), ...untracked].filter((file) => fs.existsSync(path.join(root, file)));
  const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
  return { base: base.slice(0, 7), files, ...testsOf(files, all, read) };
}

/**
 * The tests that files can break: those that import them or name their path, and what imports or names those, and so on.
 * @param all  every file of the checkout, as paths from its root
 * @param read gives a file's text
 * @returns paths of jest's tests, and whether pytest is to run
 */
function testsOf(changed, all, read) {
  const pytest = changed.some((file) => file.startsWith('python/'));
  const everything = changed.some((file) => EVERYWHERE.includes(file));
  const users = usersOf(all, read);
  const reached = new Set(changed);
  for (const file of reached) {
    const others = OTHER_USERS.filter(([files]) => files.test(file)).map(([, user]) => user);
    for (const user of [...(users.get(file) ?? []), ...others, ...codeAround(file, all)]) reached.add(user);
  }
  const existing = new Set(all);
  const tests = everything ? all.filter(isTest) : [...reached].filter((file) => isTest(file) && existing.has(file));
  return { jest: tests.sort((a, b) => (a < b ? -1 : 1)), pytest };
}

/** For each file, the code files that import it or name its path. */
function usersOf(all, read) {
  const files = new Set(all);
  const byName = new Map();
  for (const file of all) if (!isText(file)) push(byName, path.basename(file), file);
  const users = new Map();
  for (const file of all.filter((name) => CODE.test(name))) {
    for (const [, word] of read(file).replace(TYPE_IMPORT, '').matchAll(QUOTED_PATH)) {
      for (const target of targetsOf(word, file, { all, files, byName })) push(users, target, file);
    }
  }
  return users;
}

/** The files that a path in quotes can mean. */
function targetsOf(word, file, { all, files, byName }) {
  if (isText(word) && !word.includes('/')) return [];
  const places = [path.join(path.dirname(file), word), path.join(word)].map((place) => place.replace(/^dist\//, ''));
  const source = (name) => name.replace(/\.js$/, '.ts'); // what is run is compiled
  for (const place of places) {
    const found = [place, source(place), `${place}.ts`, `${place}.js`, `${place}/index.ts`].find((name) => files.has(name));
    if (found !== undefined) return [found];
  }
  const named = byName.get(path.basename(word)) ?? byName.get(path.basename(source(word)));
  if (named !== undefined && path.extname(word) !== '') return named;
  // A folder stands for the data in it.
  return word.includes('/') ? all.filter((name) => !CODE.test(name) && places.some((place) => name.startsWith(`${place}/`))) : [];
}

/** Data lies beside the code that reads it, or in a folder of its own below; its name may be put together from parts. */
function codeAround(file, all) {
  if (CODE.test(file) || isText(file)) return [];
  for (let folder = path.dirname(file); folder !== '.'; folder = path.dirname(folder)) {
    const code = all.filter((name) => CODE.test(name) && path.dirname(name) === folder);
    if (code.length > 0) return code;
  }
  return [];
}

/** Texts for people, of which there are several of one name. */
function isText(file) {
  return file.endsWith('.md');
}

function isTest(file) {
  return file.startsWith('test/') && file.endsWith('.test.ts');
}

function push(map, key, value) {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function attempt(get) {
  try {
    return get();
  } catch {
    return undefined;
  }
}

module.exports = { changedTests, testsOf, OTHER_USERS };
