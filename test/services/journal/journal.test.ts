import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { appendFile, open, readFile, readdir, readlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Journal } from '../../../services/journal/journal';
import type { CallRecord } from '../../../stages/call-record';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const ROOT = join(__dirname, '../../..');

function record(item: string, extra: Partial<CallRecord> = {}): CallRecord {
  return {
    item,
    call: 0,
    request: 'r1',
    at: '2026-01-01T00:00:00.000Z',
    ms: 1.5,
    reply: JSON.stringify({ text: `reply to ${item} ✓\u2028` }),
    ...extra,
  };
}

async function segments(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(folder, name))
    .sort();
}

/** The class of file handles is not exported; this is its prototype. */
async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(join(temp(), 'probe'), 'w');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

afterEach(() => jest.restoreAllMocks());

test('a call that was acknowledged is in the file although the journal is still open', async () => {
  const journal = await Journal.open(temp());
  await journal.append(record('a'));
  const [segment] = await segments(temp());
  const { reply, ...rest } = record('a');
  const last = (await readFile(segment!, 'utf8')).trimEnd().split('\n').at(-1)!;
  expect(JSON.parse(last)).toEqual({ ...rest, reply: JSON.parse(reply!), crc32: expect.stringMatching(/^[0-9a-f]{8}$/) as unknown });
  await journal.close();
});

test('the file is open so that each write returns when it is on disk', async () => {
  const journal = await Journal.open(temp());
  const [segment] = await segments(temp());
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map(async (fd) => ({ fd, path: await readlink(`/proc/self/fd/${fd}`).catch(() => undefined) })),
  );
  const { fd } = targets.find(({ path }) => path === segment)!;
  const flags = Number.parseInt(/flags:\s*([0-7]+)/.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8);
  expect(flags & (constants.O_DSYNC | constants.O_APPEND)).toBe(constants.O_DSYNC | constants.O_APPEND);
  await journal.close();
});

test('a call is acknowledged only after its line was written', async () => {
  const prototype = await fileHandlePrototype();
  const journal = await Journal.open(temp());
  let release = (): void => undefined;
  const writing = new Promise<void>((begun) => {
    jest.spyOn(prototype, 'appendFile').mockImplementationOnce(() => {
      begun();
      return new Promise((resolve) => (release = resolve));
    });
  });
  let acknowledged = false;
  const appended = journal.append(record('a')).then(() => (acknowledged = true));
  await writing;
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(acknowledged).toBe(false);
  expect(journal.find('a', 0, 'r1')).toBeUndefined();
  release();
  await appended;
  expect(journal.find('a', 0, 'r1')).toEqual(record('a'));
  await journal.close();
});

test('a reply that spans lines is one line in the file', async () => {
  const journal = await Journal.open(temp());
  await journal.append(record('a', { reply: '{\r\n  "text": "one\\ntwo"\n}\n' }));
  await journal.append(record('b'));
  await journal.close();
  const again = await reopened();
  expect(again.damagedLines).toBe(0);
  expect(again.find('a', 0, 'r1')?.reply).toBe('{"text":"one\\ntwo"}');
  expect([...again.all()].map(({ item }) => item)).toEqual(['a', 'b']);
});

test('calls that end together share one write', async () => {
  const written = jest.spyOn(await fileHandlePrototype(), 'appendFile');
  const journal = await Journal.open(temp());
  const before = written.mock.calls.length;
  await Promise.all(Array.from({ length: 300 }, (_, index) => journal.append(record(`item${index}`))));
  expect(written.mock.calls.length - before).toBeLessThan(10);
  await journal.close();
  expect([...(await reopened()).all()]).toHaveLength(300);
});

describe('soon after a write', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => jest.useRealTimers());

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };

  async function opened(): Promise<{ readonly journal: Journal; readonly writes: () => number }> {
    const written = jest.spyOn(await fileHandlePrototype(), 'appendFile');
    const journal = await Journal.open(temp());
    await journal.append(record('first'));
    const before = written.mock.calls.length;
    return { journal, writes: () => written.mock.calls.length - before };
  }

  test('calls wait some milliseconds for others to share the next one with', async () => {
    const { journal, writes } = await opened();
    const one = journal.append(record('one'));
    await turns();
    const other = journal.append(record('other'));
    await turns();
    expect(writes()).toBe(0);
    await jest.advanceTimersByTimeAsync(1_000);
    await Promise.all([one, other]);
    expect(writes()).toBe(1);
    await journal.close();
  });

  test('a reservation does not wait, and takes what waits along', async () => {
    const { journal, writes } = await opened();
    const one = journal.append(record('one'));
    await turns();
    await journal.reserve('r-1', { promptTokens: 1, completionTokens: 1 });
    await one;
    expect(writes()).toBe(1);
    await journal.close();
  });

  test('closing does not wait either', async () => {
    const { journal } = await opened();
    const one = journal.append(record('one'));
    await turns();
    await journal.close();
    await one;
    expect((await reopened()).find('one', 0, 'r1')).toEqual(record('one'));
  });
});

test('a torn last line is left out and every line before it is kept', async () => {
  const journal = await Journal.open(temp());
  await journal.append(record('a'));
  await journal.append(record('b'));
  await journal.close();
  const [segment] = await segments(temp());
  const torn = Buffer.from(JSON.stringify(record('c')));
  await appendFile(segment!, torn.subarray(0, torn.indexOf('✓') + 1)); // within a character
  const again = await reopened();
  expect([...again.all()].map(({ item }) => item)).toEqual(['a', 'b']);
  expect(again.damagedLines).toBe(0);
});

test('what is appended after a torn end lies in a segment of its own and is read back', async () => {
  await writeFile(join(temp(), '000000001-dead.jsonl'), '{"item":"torn","call":0,"requ');
  const journal = await Journal.open(temp());
  await journal.append(record('b'));
  await journal.close();
  expect([...(await reopened()).all()]).toEqual([record('b')]);
});

test.each([
  ['text that is no JSON', 'garbage'],
  ['JSON of another kind', '{"call":0}'],
  ['a null', 'null'],
  ['an empty line', ''],
])('a damaged line in the middle (%s) is counted and costs only itself', async (_, line) => {
  await writeFile(join(temp(), '000000001-a.jsonl'), `${JSON.stringify(record('a'))}\n${line}\n${JSON.stringify(record('b'))}\n`);
  const journal = await reopened();
  expect([...journal.all()].map(({ item }) => item)).toEqual(['a', 'b']);
  expect(journal.damagedLines).toBe(1);
});

test('two openings at the same time write two segments, and a third reads both', async () => {
  const [first, second] = await Promise.all([Journal.open(temp()), Journal.open(temp())]);
  await Promise.all([first.append(record('a')), second.append(record('b'))]);
  await Promise.all([first.close(), second.close()]);
  expect((await segments(temp())).length).toBe(2);
  expect([...(await reopened()).all()].map(({ item }) => item).sort()).toEqual(['a', 'b']);
});

test('a call is found by item, number and request, and by nothing less', async () => {
  const journal = await Journal.open(temp());
  await journal.append(record('a', { call: 1 }));
  expect(journal.find('a', 1, 'r1')).toEqual(record('a', { call: 1 }));
  expect(journal.find('a', 0, 'r1')).toBeUndefined();
  expect(journal.find('a', 1, 'r2')).toBeUndefined();
  expect(journal.find('b', 1, 'r1')).toBeUndefined();
  await journal.close();
});

test('of two replies to the same call the first stays', async () => {
  await writeFile(join(temp(), '000000001-a.jsonl'), `${JSON.stringify(record('a', { reply: 'first' }))}\n`);
  await writeFile(join(temp(), '000000002-b.jsonl'), `${JSON.stringify(record('a', { reply: 'second' }))}\n`);
  expect((await reopened()).find('a', 0, 'r1')?.reply).toBe('"first"');
});

test('a reply replaces an earlier refusal, and a refusal never replaces a reply', async () => {
  const refusal = record('a', { reply: undefined, error: { kind: 'refused', status: 400, message: 'no' } });
  const journal = await Journal.open(temp());
  await journal.append(refusal);
  await journal.append(record('a'));
  await journal.append(refusal);
  expect(journal.find('a', 0, 'r1')).toEqual(record('a'));
  await journal.close();
  expect((await reopened()).find('a', 0, 'r1')).toEqual(record('a'));
});

test('preloaded calls are found but not written', async () => {
  const journal = await Journal.open(temp());
  journal.preload([record('stored')]);
  expect(journal.find('stored', 0, 'r1')).toEqual(record('stored'));
  await journal.close();
  expect([...(await reopened()).all()]).toEqual([]);
});

test('a dropped journal leaves nothing', async () => {
  const folder = join(temp(), 'journal');
  const journal = await Journal.open(folder);
  await journal.append(record('a'));
  await journal.drop();
  expect(await readdir(temp())).toEqual([]);
});

test('after a write that failed half-way nothing more is acknowledged, and what was acknowledged before is kept', async () => {
  const prototype = await fileHandlePrototype();
  const journal = await Journal.open(temp());
  await journal.append(record('a'));
  const append = jest.spyOn(prototype, 'appendFile').mockImplementationOnce(async function (this: FileHandle, data) {
    await this.write(String(data).slice(0, 30));
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  });
  const failed = await Promise.allSettled([journal.append(record('b')), journal.append(record('c'))]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  append.mockRestore(); // the disk has room again, but the file ends within a line
  await expect(journal.append(record('d'))).rejects.toThrow(
    /^the journal in .* cannot be written: ENOSPC: no space left on device; free some space or repair the disk/,
  );
  await journal.close();
  const again = await reopened();
  await again.append(record('d'));
  await again.close();
  expect([...(await reopened()).all()].map(({ item }) => item)).toEqual(['a', 'd']);
});

test('every call that a process acknowledged before kill -9 is read back', async () => {
  const acknowledged = new Set<string>();
  for (const round of ['first-', 'second-']) {
    const child = spawn(
      process.execPath,
      ['-r', join(ROOT, 'test/support/ts-hook.cjs'), join(ROOT, 'test/support/journal-writer.ts'), temp(), round],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_code, signal) => resolve(signal)));
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.add(line);
      if (++count === 1_000) child.kill('SIGKILL');
    }
    expect(await ended).toBe('SIGKILL');
  }
  const journal = await reopened();
  const stored = new Set([...journal.all()].map(({ item }) => item));
  expect(acknowledged.size).toBeGreaterThanOrEqual(2_000);
  expect([...acknowledged].filter((item) => !stored.has(item))).toEqual([]);
  expect(journal.damagedLines).toBe(0);
});

async function reopened(): Promise<Journal> {
  const journal = await Journal.open(temp());
  const close = journal.close.bind(journal);
  let closed: Promise<void> | undefined;
  journal.close = async () => await (closed ??= close());
  opened.push(journal);
  return journal;
}

const opened: Journal[] = [];
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
});
