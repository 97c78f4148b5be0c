import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { askMissing, type Questions } from '../../cli/init-questions';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();

const server = createServer((request, response) => {
  if (request.url === '/v1/models') response.end(JSON.stringify({ data: [{ id: 'org/served' }] }));
  else response.writeHead(404).end();
});
let baseURL: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(async () => await new Promise((resolve) => server.close(resolve)));

/** Types one answer at each question; after the last, the input ends. */
async function answered(
  options: Partial<Questions>,
  answers: readonly string[],
): Promise<{ readonly given: Questions; readonly shown: string }> {
  const input = new PassThrough();
  const output = new PassThrough();
  const left = [...answers];
  let shown = '';
  output.on('data', (data: Buffer) => {
    shown += data.toString();
    if (!/: $/.test(data.toString())) return;
    const next = left.shift();
    if (next === undefined) input.end();
    else input.write(`${next}\n`);
  });
  const given = await askMissing(
    { check: true, ...options },
    { defaultBaseUrl: baseURL, apiKey: undefined, timeoutMs: 5_000, input, output },
  );
  return { given, shown };
}

test('each answer is looked at as it is given, and one with a problem is asked for again', async () => {
  const data = join(temp(), 'data.jsonl');
  const broken = join(temp(), 'broken.jsonl');
  const row = {
    messages: [
      { role: 'user', content: 'Why?' },
      { role: 'assistant', content: 'So.' },
    ],
  };
  writeFileSync(data, `${JSON.stringify(row)}\n`);
  writeFileSync(broken, `${JSON.stringify(row)}\n{"messages": 5}\n`);
  const weights = join(temp(), 'weights');
  mkdirSync(weights);
  const typed = ['localhost', baseURL, 'org/other', '', weights, 'org/served', join(temp(), 'none.jsonl'), broken, data];
  const { given, shown } = await answered({}, typed);
  expect(given).toMatchObject({ baseUrl: baseURL, model: 'org/other', weights: 'org/served', newData: data });
  expect(shown).toContain('no URL: begin it with http:// or https://');
  expect(shown).toMatch(/org\/other.*org\/served.*\(Enter keeps it\)/);
  expect(shown).toContain('a directory without config.json');
  expect(shown).toMatch(/none\.jsonl.*no such file/i);
  expect(shown).toMatch(/broken\.jsonl.*line 2/);
});

test('what an option says is not asked, and what was answered is not lost when one stops', async () => {
  const stopped: unknown = await answered({ baseUrl: baseURL }, ['org/served', "it's/here"]).catch((error: unknown) => error);
  expect(stopped).toMatchObject({
    message: 'stopped; nothing was written',
    exitCode: 130,
    hint: "go on with what you have answered: npx rehearse init --model 'org/served'",
  });
});
