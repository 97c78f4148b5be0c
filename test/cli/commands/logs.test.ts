import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { followLines, logLine } from '../../../cli/terminal/log-lines';
import { rehearse } from '../../support/rehearse';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const LINE = (run: string, msg: string, more: object = {}): string =>
  JSON.stringify({ level: 40, time: Date.parse('2026-11-03T09:12:00Z'), pid: 7, run, part: 'shard-00001', ...more, msg });

test('a line says when, how bad, of which run, and all else that it knows', () => {
  expect(logLine(LINE('a', 'the disk is slow', { ms: 5, err: { message: 'EIO' } }), { raw: false })).toBe(
    '2026-11-03 09:12:00 warn a/shard-00001 the disk is slow: EIO {"ms":5}',
  );
});

test('a line that is no JSON stays, without what would move the cursor', () => {
  expect(logLine('plain \u001b[31mred\u001b[0m', { raw: false })).toBe('plain red');
  expect(logLine('{"cut off', { raw: false })).toBe('{"cut off');
});

test('lines of one run are told apart from those of others', () => {
  expect(logLine(LINE('b', 'x'), { run: 'a', raw: false })).toBeUndefined();
  expect(logLine('plain', { run: 'a', raw: false })).toBeUndefined();
});

test('logs shows the last lines of a run, and as they are with --json', async () => {
  await mkdir(join(folder(), 'logs'));
  const lines = [...Array.from({ length: 5 }, (_, index) => LINE('a', `number ${index}`)), LINE('b', 'another')];
  await writeFile(join(folder(), 'logs', 'worker.log'), `${lines.join('\n')}\n`);
  const { code, stdout } = await rehearse(['logs', '--run', 'a', '--lines', '2'], { home: folder() });
  expect([code, stdout.split('\n').map((line) => line.replace(/^.* number/, 'number'))]).toEqual([0, ['number 3', 'number 4', '']]);
  expect((await rehearse(['logs', '-n', '1', '--json'], { home: folder() })).stdout).toBe(`${lines.at(-1)}\n`);
});

test.each([
  [['logs'], 1, 'there is no '],
  [['logs', 'workers'], 2, "'workers' is invalid for argument 'source'"],
  [['logs', '--lines', 'all'], 2, '--lines is "all"'],
  [['logs', 'model', '--run', 'a'], 2, '--run is for the log of the worker'],
])('%j ends with %d', async (args, code, sentence) => {
  const ended = await rehearse(args, { home: folder() });
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(sentence)]);
});

test('what is added is shown line by line, also after the file was begun again', async () => {
  const file = join(folder(), 'worker.log');
  await writeFile(file, 'before\n');
  const stop = new AbortController();
  const seen: string[] = [];
  let wake: () => void = () => undefined;
  const until = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const following = followLines(
    file,
    7,
    (line) => {
      seen.push(line);
      wake();
    },
    stop.signal,
  );
  await appendFile(file, 'one\ntw');
  await until(1);
  await appendFile(file, 'o\n');
  await until(2);
  await writeFile(file, 'new\n');
  await until(3);
  stop.abort();
  await following;
  expect(seen).toEqual(['one', 'two', 'new']);
});
