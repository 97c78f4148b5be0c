import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheDir, dataDir, projectDir } from '../../../services/local/paths';

test('the project folder is the one with package.json', () => {
  expect(existsSync(join(projectDir(), 'package.json'))).toBe(true);
});

test.each([
  ['REHEARSE_CACHE before all', { REHEARSE_CACHE: '/c', XDG_CACHE_HOME: '/x' }, '/c'],
  ["the user's cache folder", { XDG_CACHE_HOME: '/x' }, '/x/rehearse'],
  ['the usual place', {}, join(homedir(), '.cache', 'rehearse')],
  ['the usual place when the variables are empty', { REHEARSE_CACHE: '', XDG_CACHE_HOME: '' }, join(homedir(), '.cache', 'rehearse')],
])('the cache is in %s', (_, env, expected) => {
  expect(cacheDir(env)).toBe(expected);
});

test('runs are in the project unless REHEARSE_HOME says otherwise', () => {
  expect(dataDir({})).toBe(join(projectDir(), '.rehearse'));
  expect(dataDir({ REHEARSE_HOME: '/data/runs' })).toBe('/data/runs');
});
