'use strict';
// node gate/check-rooms.js [FOLDER]: holds the code to gate/rooms.js. Prints what breaks it, one finding a line, and then exits 1.
const fs = require('node:fs');
const { isBuiltin } = require('node:module');
const path = require('node:path');
const { parseSync } = require('oxc-parser');
const { ROOMS, ROOT_FILES } = require('./rooms');

const CODE = /\.[cm]?[jt]s$/;
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage']);
// The parser's list has no require(), no require.resolve() and no `typeof import()`.
const OTHER_IMPORTS = /\b(?:require|require\.resolve|(typeof import))\(\s*'([^'\n]+)'\s*\)/g;

/**
 * @param root folder of the checkout
 * @returns one sentence for each import that gate/rooms.js does not allow and for each file that lies in no room
 */
function checkRooms(root) {
  return codeFiles(root).flatMap((file) => {
    if (ROOT_FILES.includes(file)) return [];
    const room = roomOf(file);
    if (room === undefined) return [`${file}: lies in no room; put it into one, or add a room to gate/rooms.js`];
    if (ROOMS[room].imports === undefined) return [];
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    const { imports, error } = importsOf(file, text);
    if (error !== undefined) return [`${file}: cannot be parsed: ${error}`];
    return imports.flatMap(({ source, types, start }) => {
      const problem = problemOf({ file, room, source, types });
      return problem === undefined ? [] : [`${file}:${lineOf(text, start)}: ${problem}`];
    });
  });
}

/** What is wrong with one import; undefined when it is allowed. */
function problemOf({ file, room, source, types }) {
  const rule = ROOMS[room];
  if (!source.startsWith('.')) {
    if (rule.packages === undefined || types || rule.packages.includes(packageOf(source))) return undefined;
    const kind = isBuiltin(source) ? 'the Node module' : 'the package';
    return `${room} may not import ${kind} ${source}; gate/rooms.js allows it ${list(rule.packages)}`;
  }
  const target = path.posix.join(path.posix.dirname(file), source);
  const other = roomOf(`${target}/`);
  if (other === room || allows(rule.imports, other)) return undefined;
  if (!allows(rule.types ?? [], other)) {
    return `${room} may not import ${other ?? 'what lies in no room'} (${target}); gate/rooms.js allows it ${list([...rule.imports, ...(rule.types ?? [])])}`;
  }
  return types ? undefined : `${room} may import only types of ${other} (${target}): write "import type"`;
}

/** The innermost room around a file; undefined where there is none. */
function roomOf(file) {
  const folders = file.split('/').slice(0, -1);
  for (; folders.length > 0; folders.pop()) {
    const name = folders.join('/');
    if (Object.hasOwn(ROOMS, name)) return name;
  }
  return undefined;
}

function allows(names, room) {
  return room !== undefined && names.some((name) => room === name || room.startsWith(`${name}/`));
}

/** Every import of a file, re-exports, import() and require() included: what it names, where, and whether types alone. */
function importsOf(file, text) {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) return { imports: [], error: errors[0].message };
  const found = [];
  const add = (source, start, types) => found.push({ source, start, types });
  const areTypes = (entries) => entries.length > 0 && entries.every(({ isType }) => isType);
  for (const { moduleRequest, entries } of module.staticImports) add(moduleRequest.value, moduleRequest.start, areTypes(entries));
  for (const { entries } of module.staticExports) {
    const from = entries.filter(({ moduleRequest }) => moduleRequest !== null);
    if (from.length > 0) add(from[0].moduleRequest.value, from[0].moduleRequest.start, areTypes(from));
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(['"`])([^$]*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal !== null) add(literal[2], moduleRequest.start, false);
  }
  for (const { 1: type, 2: source, index } of text.matchAll(OTHER_IMPORTS)) add(source, index, type !== undefined);
  return { imports: found.sort((a, b) => a.start - b.start) };
}

function packageOf(source) {
  return source
    .split('/')
    .slice(0, source.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Code below `root`, as paths with slashes; dot folders and what is built or installed are left out. */
function codeFiles(root, folder = '') {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) || entry.name.startsWith('.') ? [] : codeFiles(root, file);
    return entry.isFile() && CODE.test(entry.name) ? [file] : [];
  });
}

function lineOf(text, offset) {
  return text.slice(0, offset).split('\n').length;
}

function list(names) {
  return names.length === 0 ? 'none' : names.join(', ');
}

if (require.main === module) {
  const findings = checkRooms(process.argv[2] ?? path.join(__dirname, '..'));
  for (const finding of findings) console.log(finding);
  process.exitCode = findings.length === 0 ? 0 : 1;
}

module.exports = { checkRooms };
