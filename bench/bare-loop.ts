import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';

/** What the loop prints as one line of JSON. */
export interface BareLoopFigures {
  readonly requests: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/**
 * The least that a client can do: sends the requests of a file through undici's `Pool.request`, so many at a time, and reads
 * the replies. It parses nothing and keeps nothing.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, requests: { type: 'string' }, 'in-flight': { type: 'string' } } });
  const { url, requests: file, 'in-flight': inFlight } = values;
  if (url === undefined || file === undefined || inFlight === undefined) {
    throw new Error('usage: bare-loop.js --url ORIGIN --requests FILE --in-flight N');
  }
  const requests = linesOf(readFileSync(file));
  const pool = new Pool(url, { connections: Number(inFlight) });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  const before = process.cpuUsage();
  let sent = 0;
  async function lane(): Promise<void> {
    for (let { value: line } = requests.next(); line !== undefined; { value: line } = requests.next()) {
      sent++;
      const space = line.indexOf(' ');
      const { statusCode, body } = await pool.request({
        path: `/v1/${line.slice(0, space)}`,
        body: line.slice(space + 1),
        method: 'POST',
        headers,
      });
      await body.text();
      if (statusCode !== 200) throw new Error(`the endpoint answered with ${statusCode}`);
    }
  }
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
  const { user, system } = process.cpuUsage(before);
  await pool.close();
  const figures: BareLoopFigures = {
    requests: sent,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  console.log(JSON.stringify(figures));
}

/** One line after the other: together they may be longer than any string. */
function* linesOf(bytes: Buffer): Generator<string, undefined> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf('\n', start);
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
