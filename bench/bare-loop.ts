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
  if (url === undefined || file === undefined || inFlight === undefined) throw new Error('usage: bare-loop.js --url ORIGIN --requests FILE --in-flight N');
  const requests = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => {
    const space = line.indexOf(' ');
    return { path: `/v1/${line.slice(0, space)}`, body: line.slice(space + 1) };
  });
  const pool = new Pool(url, { connections: Number(inFlight) });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  const before = process.cpuUsage();
  let next = 0;
  async function lane(): Promise<void> {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const { statusCode, body } = await pool.request({ ...request, method: 'POST', headers });
      await body.text();
      if (statusCode !== 200) throw new Error(`the endpoint answered with ${statusCode}`);
    }
  }
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
  const { user, system } = process.cpuUsage(before);
  await pool.close();
  const figures: BareLoopFigures = { requests: requests.length, cpuSeconds: (user + system) / 1e6, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  console.log(JSON.stringify(figures));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
